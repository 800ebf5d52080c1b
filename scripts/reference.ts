/**
 * Makes docs/reference.md out of the route table, the error codes and the events, so that the page cannot say anything
 * else than the code: `npm run reference`.
 */
import { writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { errorCodes } from '../src/adapters/http/errors.ts'
import type { Access, Route } from '../src/adapters/http/route.ts'
import { basePath, routes } from '../src/adapters/routes/index.ts'
import { eventTypes } from '../src/core/runtime/events.ts'
import type { LicenseClaims } from '../src/core/token/token.ts'

const file = new URL('../docs/reference.md', import.meta.url)

const callers: Readonly<Record<Access, string>> = {
  public: 'anybody',
  read: '`pk_` or `sk_`',
  write: '`sk_`',
  apps: '`sk_` of no app',
  keys: '`sk_` of no app, without end',
  renewal: '`sk_`, or the license’s token',
}

/** Each claim of a license token. The compiler holds the list complete. */
export const claims: Readonly<Record<keyof LicenseClaims, string>> = {
  sub: 'The installation id: a UUID in lower case',
  aud: 'The app’s slug',
  iss: 'The app’s issuer, `license-server` unless the server was told otherwise when the app was created',
  iat: 'When these claims were issued, in seconds since 1970; never in the future',
  exp: 'When the license ends, in seconds since 1970; absent for a license without end',
  jti: 'The id of this token, new on each regeneration: the license’s id, then 32 characters nobody else can make',
  lic_id: 'The license’s UUID, the same over all regenerations',
  tier: 'The tier’s slug',
  customer_id: 'The customer’s id, `cus_…`',
  features: 'The tier’s features as they were at issue, then the license’s own: slugs, each once',
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return lines.join('\n')
}

function endpointRow({ method, path, access, summary, answers }: Route): readonly string[] {
  const statuses = Object.keys(answers).join(', ')
  return [`\`${method} ${basePath}${path}\``, callers[access], summary, statuses]
}

function endpoints(): string {
  const byTag = Map.groupBy(routes, ({ tag }) => tag)
  const sections = [...byTag].map(([tag, rows]) => {
    const head = ['endpoint', 'who may', 'what', 'answers']
    return `### ${tag}\n\n${table(head, rows.map(endpointRow))}`
  })
  return sections.join('\n\n')
}

/** The page as it must be. */
export async function reference(): Promise<string> {
  const codes = Object.entries(errorCodes).map(([code, { status, when }]) => [
    `\`${code}\``,
    `${status}`,
    when,
  ])
  const events = Object.entries(eventTypes).map(([type, when]) => [`\`${type}\``, when])
  const inToken = Object.entries(claims).map(([claim, meaning]) => [`\`${claim}\``, meaning])
  const text = `# Reference

Made by \`npm run reference\` from the code; a test holds the two equal. A running server shows the same in full, with every
field, at \`/swagger\`.

## Endpoints

\`:slug\` is an app’s slug, \`:tier\` and \`:feature\` take an id or a slug, a license’s \`:id\` its id or its UUID. A
\`pk_\` key sees neither tokens nor \`jti\`s. API keys are managed by \`sk_\` keys without end that are bound to no app.

${endpoints()}

Beside these: \`GET /api/health\` (anybody), \`GET /swagger\` and \`GET /swagger/json\` (anybody, unless switched off).

## Error codes

Every error is \`{"error": {"code", "message", "details"?}}\`. Go by \`code\`: it never changes its meaning, and new ones may
come. \`details\` maps a field to the rules it breaks.

${table(['code', 'status', 'when'], codes)}

## Events

What a webhook is sent. No event carries a license token.

${table(['type', 'when'], events)}

## Claims of a license token

RS256 (RFC 7515, RFC 7519); the header is \`{"alg":"RS256","typ":"JWT","kid":"…"}\`, with the public key’s thumbprint
(RFC 7638) as \`kid\`.

${table(['claim', 'meaning'], inToken)}
`
  return format(text, { ...(await resolveConfig(file)), parser: 'markdown' })
}

if (import.meta.main) writeFileSync(file, await reference())
