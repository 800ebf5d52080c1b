import type { SearchResult } from '../src/core/index.ts'
import { codeOf, licensing } from './api.ts'
import { askWhy } from './asked.ts'
import { read } from './reading.ts'
import { go, to } from './router.ts'
import { may } from './session.ts'
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
  /** Goes to the one thing that was found. */
  readonly open?: () => void
}

function opening(open: () => void): Outcome {
  return { failure: '', hits: [], open }
}

function nowhere(failure: string): Outcome {
  return { failure, hits: [] }
}

const pages: Readonly<Partial<Record<SearchResult['kind'], string>>> = {
  license: 'licenses',
  license_key: 'license-keys',
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

/** The diagnosis knows more than the search: signing keys, other shops' keys, and parts of texts. */
async function diagnosed(text: string): Promise<Outcome> {
  const { kind, app, checks } = await licensing.diagnose({ text })
  const isNothing = app === null && (kind === 'unknown' || checks[0]?.check === 'license')
  return isNothing ? nowhere(words.find.none) : opening(() => askWhy(text))
}

/** Looks for what was pasted. One hit opens at once, and several are for the person to choose from. */
export async function find(given: string): Promise<Outcome> {
  const reading = read(given)
  if (!('text' in reading)) return nowhere(reading.kind === 'secret' ? words.find.secret : '')
  const { kind, text } = reading
  const mayAsk = may('licenses:read')
  if (kind === 'sent') {
    return mayAsk ? opening(() => askWhy(text)) : nowhere(words.find.noDiagnosis)
  }
  const hits = await hitsOf(text).catch((error: unknown) => {
    // The search refuses what may be a license key. The diagnosis takes it.
    if (mayAsk && codeOf(error) === 'validation_error') return []
    throw error
  })
  if (hits.length > 1) return { failure: '', hits }
  const [hit] = hits
  if (hit === undefined) return mayAsk ? diagnosed(text) : nowhere(words.find.none)
  return opening(() => go(hit.href))
}
