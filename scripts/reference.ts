/**
 * Generates docs/reference.md from the route table, the error codes and the event types, so that both agree.
 * Run it with `npm run reference`.
 */
import { writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { errorCodes } from '../src/adapters/http/errors.ts'
import { permissionOf, type Access, type Route } from '../src/adapters/http/route.ts'
import { basePath, routes } from '../src/adapters/routes/index.ts'
import {
  causeMeanings,
  checkMeanings,
  kindMeanings,
  warningMeanings,
} from '../src/core/diagnosis/diagnosis.ts'
import { isForPublicKeys, requiredScopes } from '../src/core/principal.ts'
import { scopeMeanings } from '../src/core/scopes.ts'
import { eventTypes } from '../src/core/runtime/events.ts'
import type { LicenseClaims } from '../src/core/token/token.ts'

const file = new URL('../docs/reference.md', import.meta.url)

const callers: Readonly<Partial<Record<Access, string>>> = {
  public: 'everybody',
  'apps:create': 'unbound `sk_`',
  'keys:write': 'unbound `sk_` that never expires',
  ownKey: 'unbound `sk_` that never expires, or the key itself',
  renewal: '`sk_`, or the license’s own token',
  release: '`sk_`, a license key, or the license’s own token',
  licenseKey: 'a license key',
  anyLicenseKey: 'everybody',
}

/** Describes each claim of a license token. The type makes the compiler reject a missing claim. */
export const claims: Readonly<Record<keyof LicenseClaims, string>> = {
  sub: 'The installation id, a UUID in lower case',
  aud: 'The app’s slug',
  iss: 'The app’s issuer. The server’s setting at the creation of the app decides it; the default is `license-server`',
  iat: 'The time at which these claims were issued, in seconds since 1970; by the server’s clock never in the future',
  exp: 'The time at which the license expires, in seconds since 1970; absent if the license never expires',
  jti: 'The id of this token, new on each regeneration: the license’s id, then 32 characters that only the server can make',
  lic_id: 'The license’s UUID, which stays the same over all regenerations',
  tier: 'The tier’s slug',
  customer_id: 'The customer’s id, `cus_…`',
  features:
    'Feature slugs, each once: first the tier’s features at the time of issue, then the license’s own',
  limits:
    'An object of slugs, each with an integer from 0 to 2^53 - 1: the tier’s limits at the time of issue, overridden by the license’s own; absent if there are none',
  updates_until:
    'The license covers versions of the program that were released until then, in seconds since 1970; absent if it covers all',
}

/** Names that no other claim may take. */
const reservedClaims = ['lease', 'floating', 'license_exp', 'trial', 'status', 'cnf']

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return lines.join('\n')
}

function callersOf(route: Route): string {
  return callers[route.access] ?? (isForPublicKeys(permissionOf(route)) ? '`pk_` or `sk_`' : '`sk_`')
}

function scopesOf(route: Route): string {
  return requiredScopes[permissionOf(route)].map((scope) => `\`${scope}\``).join(', ')
}

function endpointRow(route: Route): readonly string[] {
  const { method, path, summary, responses } = route
  const statuses = Object.keys(responses).join(', ')
  return [`\`${method} ${basePath}${path}\``, callersOf(route), scopesOf(route), summary, statuses]
}

function endpoints(): string {
  const byTag = Map.groupBy(routes, ({ tag }) => tag)
  const sections = [...byTag].map(([tag, rows]) => {
    const head = ['endpoint', 'access', 'scopes', 'summary', 'responses']
    return `### ${tag}\n\n${table(head, rows.map(endpointRow))}`
  })
  return sections.join('\n\n')
}

function meaningTable(head: string, meanings: Readonly<Record<string, string>>): string {
  return table(
    [head, 'meaning'],
    Object.entries(meanings).map(([word, meaning]) => [`\`${word}\``, meaning]),
  )
}

/** The words of a diagnosis. */
function diagnosisWords(): string {
  return [
    meaningTable('check', checkMeanings),
    meaningTable('cause', causeMeanings),
    meaningTable('warning', warningMeanings),
    meaningTable('kind', kindMeanings),
  ].join('\n\n')
}

/** Renders the page from the code. */
export async function reference(): Promise<string> {
  const codes = Object.entries(errorCodes).map(([code, { status, when }]) => [
    `\`${code}\``,
    `${status}`,
    when,
  ])
  const meanings = Object.entries(scopeMeanings).map(([scope, meaning]) => [`\`${scope}\``, meaning])
  const events = Object.entries(eventTypes).map(([type, when]) => [`\`${type}\``, when])
  const inToken = Object.entries(claims).map(([claim, meaning]) => [`\`${claim}\``, meaning])
  const text = `# Reference

You look up an endpoint, a scope, an error code, an event or a claim. \`npm run reference\` generates this page from the code, and
a test compares the two. A running server documents the same API with every field at \`/swagger\`.

## Endpoints

- \`:slug\` is an app’s slug or id.
- \`:tier\` and \`:feature\` take an id or a slug.
- A license’s \`:id\` takes its id or its UUID.
- The server hides tokens, their \`jti\`, and the texts of license keys from \`pk_\` keys.
- A license key, or a license’s own token, stands in the body.
- An _unbound_ key works for every app of its mode. Other keys are bound to one app.
- Only an unbound \`sk_\` key that never expires can manage API keys.
- A key with _scopes_ also needs those of the endpoint, all of them.

${endpoints()}

The server has three more: \`GET /api/health\`, \`GET /swagger\` and \`GET /swagger/json\`. Everybody can call them. You can
switch the two \`/swagger\` endpoints off.

## Scopes

${table(['scope', 'right'], meanings)}

## Error codes

Every error is \`{"error": {"code", "message", "details"?}}\`. Let your program read \`code\`: a code never changes its meaning.
A later version may add codes. \`details\` maps each wrong field to the rules it breaks.

${table(['code', 'status', 'cause'], codes)}

## Words of a diagnosis

\`POST ${basePath}/diagnose\` responds with these words. \`checks\` has those that the text has something for, in this order. A
failed check has \`code\` among its facts, the error code with which the server refuses. One that passed may have a \`warning\`.
Later versions may add words.

${diagnosisWords()}

## Events

Heartwood sends these events to a webhook. No event carries a license token or the text of a license key.

${table(['type', 'cause'], events)}

## Claims of a license token

Heartwood signs with RS256 (RFC 7515, RFC 7519). The header is \`{"alg":"RS256","typ":"JWT","kid":"…"}\`. Its \`kid\` is the
thumbprint of the public key (RFC 7638).

${table(['claim', 'meaning'], inToken)}

A token has at most 32,768 characters. [other-languages.md](other-languages.md) has verifiers in five languages. Write one of your own
by these rules:

- **Claims are open.** Ignore a claim that you do not know, whatever its name. A later version may add claims.
- **The header is closed.** Refuse a token whose header has another member than \`alg\`, \`typ\` and \`kid\`, or another \`typ\`.
- Later versions may use these claims, each with one meaning: ${reservedClaims.map((claim) => `\`${claim}\``).join(', ')}.

The package ships [test vectors](../vectors/README.md): tokens that every version accepts, and tokens that every version refuses.
`
  return format(text, { ...(await resolveConfig(file)), parser: 'markdown' })
}

if (import.meta.main) writeFileSync(file, await reference())
