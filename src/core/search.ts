import { Type } from '@sinclair/typebox'
import type { Context } from './context.ts'
import { foldEmail } from './input/email.ts'
import { isUuid, readId } from './ids.ts'
import { text } from './input/fields.ts'
import { input, invalidInput, type Input } from './input/parse.ts'
import { isOwnJti } from './licenses/check-token.ts'
import { may, requirePermission, visibleApps, type Permission } from './principal.ts'
import { isSecretText } from './secret-text.ts'
import type { Mode, SearchHit, SearchKind } from './storage/index.ts'
import { foldName } from './storage/search.ts'
import { readJti, type Jti } from './token/jti.ts'

/** A record that the search found. */
export interface SearchResult {
  /** The noun. */
  readonly kind: SearchKind
  /** The slug of its app. */
  readonly app: string
  readonly id: string
  /** The text by which people know it, such as the name and e-mail of a customer. */
  readonly label: string
}

/** Options of `licensing.search`. */
export interface SearchOptions {
  /** Only apps of this mode. Default both. An API key has the apps of its own mode, whatever this says. */
  readonly mode?: Mode
}

interface SearchQuery {
  readonly q: string
}

const plainQuery: Input<SearchQuery> = input<SearchQuery>()(
  Type.Object({
    q: text('Id, installation, external id, slug, jti, or the beginning of an e-mail or a name', 1, 200),
  }),
)

/** Says only that it is one, because whoever reads the error may not be the one who pasted it. */
function refuseSecret(query: unknown): void {
  const q = typeof query === 'object' && query !== null && 'q' in query ? query.q : undefined
  if (typeof q === 'string' && isSecretText(q.slice(0, 64 * 1024)))
    throw invalidInput({ q: ['must not be a token, a license key or an API key: diagnose reads those'] })
}

/** The query of a search. Blanks around the text do not count. */
export const searchQuery: Input<SearchQuery> = {
  schema: plainQuery.schema,
  parse: (value) => {
    refuseSecret(value)
    const q = plainQuery.parse(value).q.trim()
    return q === '' ? plainQuery.parse({ q }) : { q }
  },
}

const most = 20

/** The right to read each noun. */
const readers: Readonly<Record<SearchKind, Permission>> = {
  app: 'catalogue:read',
  tier: 'catalogue:read',
  feature: 'catalogue:read',
  customer: 'customers:read',
  license: 'licenses:read',
  license_key: 'license_keys:read',
}

/** A public key does not see a `jti`, and so finds nothing by it. */
function jtiIn({ principal }: Context, sought: string): Jti | null {
  return may(principal, 'licenses:token') ? readJti(sought) : null
}

/** A `jti` that this server did not make names no license, although its first part is a license's id. */
async function isMeant(context: Context, hit: SearchHit, sought: string, jti: Jti | null): Promise<boolean> {
  if (jti === null || hit.id !== jti.licenseId) return true
  const app = await context.storage.findApp(hit.appId)
  return app !== null && isOwnJti(context, app, sought, jti)
}

function labelOf({ kind, names }: SearchHit): string {
  const [email, name] = names
  if (kind === 'customer') return name ? `${name} <${email}>` : `${email}`
  return names.filter((part) => part !== '').join(' · ')
}

function withoutRepeats(hits: readonly SearchHit[]): readonly SearchHit[] {
  return [...new Map(hits.map((hit) => [hit.id, hit])).values()]
}

/** Finds records of all apps that the caller sees, of the nouns that it may read. */
export async function search(
  context: Context,
  given: string,
  options: SearchOptions = {},
): Promise<readonly SearchResult[]> {
  const { q } = searchQuery.parse({ q: given })
  const { principal, storage } = context
  requirePermission(principal, 'search')
  const jti = jtiIn(context, q)
  const kinds = Object.entries(readers).filter(([, permission]) => may(principal, permission))
  const hits = await storage.search({
    apps: visibleApps(principal, options.mode),
    kinds: kinds.map(([kind]) => kind as SearchKind),
    text: q,
    licenseId: jti?.licenseId ?? (isUuid(q) ? readId('lic', q) : null),
    installationId: isUuid(q) ? q.toLowerCase() : null,
    emailPrefix: foldEmail(q),
    namePrefix: foldName(q),
    // A customer may be found by both e-mail and name.
    limit: 2 * most,
  })
  const found: SearchResult[] = []
  for (const hit of withoutRepeats(hits))
    if (found.length < most && (await isMeant(context, hit, q, jti)))
      found.push({ kind: hit.kind, app: hit.app, id: hit.id, label: labelOf(hit) })
  return found
}
