import type { License, LicenseQuery } from '../src/core/index.ts'
import { licensing } from './api.ts'

/** Number of things that are done, of all. */
export interface Progress {
  readonly done: number
  readonly all: number
}

/** Reads licenses page by page, however many there are. The browser stays free between the pages. */
export async function eachLicense(
  app: string,
  query: LicenseQuery,
  signal: AbortSignal,
  take: (license: License) => void,
  tell: (progress: Progress) => void,
): Promise<void> {
  const { licenses } = licensing.withOptions({ signal })
  let [cursor, done, all]: [string | null | undefined, number, number] = [undefined, 0, 0]
  do {
    const at = typeof cursor === 'string' ? { cursor } : {}
    const listing = await licenses.list(app, { ...query, ...at, perPage: 100 })
    for (const license of listing.data) take(license)
    done += listing.data.length
    all = Math.max(done, listing.total ?? all)
    tell({ done, all })
    cursor = listing.nextCursor
  } while (cursor !== null)
}
