import type { SearchResult } from '../src/core/index.ts'
import { licensing } from './api.ts'
import { read, type Reading } from './reading.ts'
import { go, to } from './router.ts'
import { words } from './words.ts'

/** A thing that was found, and its page. */
export interface Hit {
  readonly href: string
  readonly label: string
  readonly app: string
}

/** The end of a search: several hits, or the words for none. */
export interface Outcome {
  readonly failure: string
  readonly hits: readonly Hit[]
}

function nowhere(failure: string): Outcome {
  return { failure, hits: [] }
}

const pages: Readonly<Partial<Record<SearchResult['kind'], string>>> = {
  license: 'licenses',
  customer: 'customers',
}

/** The page of what was found; `null` if no page shows it yet. */
function pageOf({ kind, app, id }: SearchResult): string | null {
  if (kind === 'app') return to(['apps', app])
  const page = pages[kind]
  return page === undefined ? null : to(['apps', app, page, id])
}

async function hitsOf(text: string): Promise<readonly Hit[]> {
  const found = await licensing.search(text)
  return found.flatMap((result) => {
    const href = pageOf(result)
    return href === null ? [] : [{ href, label: result.label || result.id, app: result.app }]
  })
}

/** The text that the search takes. It takes no token, so the page looks for the license that a token names. */
function textOf(reading: Reading): string {
  if (reading.kind === 'token') return reading.license
  return 'id' in reading ? reading.id : 'text' in reading ? reading.text : ''
}

const refusals: Readonly<Partial<Record<Reading['kind'], string>>> = {
  secret: words.find.secret,
  licenseKey: words.find.licenseKey,
}

/** Looks for what was pasted. One hit opens at once, and several are for the person to choose from. */
export async function find(text: string): Promise<Outcome> {
  const reading = read(text)
  if (reading.kind === 'nothing') return nowhere('')
  const refusal = refusals[reading.kind]
  if (refusal !== undefined) return nowhere(refusal)
  const hits = await hitsOf(textOf(reading).slice(0, 200))
  if (hits.length === 0) return nowhere(words.find.none)
  if (hits.length > 1) return { failure: '', hits }
  go(hits[0]!.href)
  return nowhere('')
}
