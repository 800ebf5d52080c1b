import type { Feature, Tier } from '../src/core/index.ts'
import { licensing } from './api.ts'
import { forget, useKnown } from './data.ts'
import { names, type Asked } from './known.ts'

export const featuresName = (app: string): string => `features ${app}`
const activeName = (app: string): string => `${names.licenses(app)} active by tier`

/** Every feature of an app, by slug. */
export function useFeatures(app: string): Asked<readonly Feature[]> {
  return useKnown(featuresName(app), async (signal) => {
    const found: Feature[] = []
    for await (const feature of licensing.withOptions({ signal }).features.all(app)) found.push(feature)
    return found.toSorted((a, b) => (a.slug < b.slug ? -1 : 1))
  })
}

/** The number of active licenses of an app, or of one of its tiers. The server has it by an index. */
export async function countActive(app: string, tierId?: string, signal?: AbortSignal): Promise<number> {
  const { licenses } = licensing.withOptions(signal === undefined ? {} : { signal })
  const query = tierId === undefined ? {} : { tierId }
  return (await licenses.list(app, { ...query, status: 'active', perPage: 1 })).total ?? 0
}

/** Numbers of active licenses. */
export interface Active {
  readonly all: number
  readonly of: ReadonlyMap<string, number>
}

/** Without tiers it asks for nothing, and `null` is known. */
export function useActive(app: string, tiers: readonly Tier[] | null): Asked<Active | null> {
  const ids = (tiers ?? []).map(({ id }) => id)
  return useKnown(`${activeName(app)} ${tiers === null ? 'none' : ids.join(' ')}`, async (signal) => {
    if (tiers === null) return null
    const [all = 0, ...each] = await Promise.all([
      countActive(app, undefined, signal),
      ...ids.map((id) => countActive(app, id, signal)),
    ])
    return { all, of: new Map(ids.map((id, at) => [id, each[at] ?? 0])) }
  })
}

/** Asks again for all that a change of the catalogue may have moved. */
export function catalogueChanged(app: string): void {
  for (const name of [names.tiers(app), featuresName(app), names.licenses(app), names.license(app, '')])
    forget(name)
}
