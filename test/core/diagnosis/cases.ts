import type { DiagnosisKind, DiagnosticCause, DiagnosticCheckName, DiagnosticWarning } from '../../../src/core/index.ts'
import { apiKeySecret } from '../../../src/core/api-keys/secret.ts'
import { testKeyPairs } from '../../support/keys.ts'
import { claimsOf, forge, headerText, payloadText, signRaw } from '../../support/tokens.ts'
import type { Desk } from './desk.ts'

/** A thing that a customer sends, and what the person at support must learn. */
export interface Case {
  readonly name: string
  readonly text: (desk: Desk) => string | Promise<string>
  readonly kind: DiagnosisKind
  /** The first check that fails; `null` if none does. */
  readonly failing: DiagnosticCheckName | null
  readonly cause: DiagnosticCause | null
  /** Words of the remedy; `null` for none. */
  readonly remedy: RegExp | null
  readonly warning?: DiagnosticWarning
  /** Number of candidates. Then there is no check. */
  readonly candidates?: number
  /** The cause for a live API key, if that sees less than the host. */
  readonly causeForLiveKey?: DiagnosticCause
}

type Words = readonly [failing: DiagnosticCheckName | null, cause: DiagnosticCause | null, remedy: RegExp | null]

const good: Words = [null, null, null]

function about(
  kind: DiagnosisKind,
  name: string,
  text: Case['text'],
  [failing, cause, remedy]: Words,
  more: Partial<Pick<Case, 'warning' | 'candidates' | 'causeForLiveKey'>> = {},
): Case {
  return { name, text, kind, failing, cause, remedy, ...more }
}

const active = testKeyPairs[5]!
const foreign = testKeyPairs[1]!

function lines(token: string, before = ''): string {
  return token.replace(/.{76}/g, (line) => `${line}\n${before}`)
}

/** The token with another character at a place of one part. */
function altered(token: string, part: number): string {
  const parts = token.split('.')
  const own = parts[part]!
  const at = Math.floor(own.length / 2)
  parts[part] = own.slice(0, at) + (own[at] === 'A' ? 'B' : 'A') + own.slice(at + 1)
  return parts.join('.')
}

const newest = /^Send the customer the newest token: `heartwood licenses get lic_\w+ --app desktop-app`, or GET /
const askForMore = /^Ask the customer/
const leaked = /treat it as leaked/

const tokens: readonly Case[] = [
  about('token', 'a good token', ({ tokens: t }) => t['good']!, good),
  about('token', 'a token as a header', ({ tokens: t }) => `"Authorization: Bearer ${t['good']}"`, good),
  about('token', 'a token in a JSON body', ({ tokens: t }) => JSON.stringify({ current_token: t['good'] }), good),
  about('token', 'a token in lines of mail', ({ tokens: t }) => `> ${lines(t['good']!, '> ')}`, good),
  about(
    'token',
    'a whole line of a log',
    ({ tokens: t }) => `2026-11-30T10:00:00Z ERROR license: refused (token=${t['good']}) [main]`,
    good,
  ),
  about('token', 'an address with a token', ({ tokens: t }) => `https://example.com/?token=${t['good']}&x=1`, good),
  about(
    'token',
    'a mail around a token',
    ({ tokens: t }) => `Hi,\n\nmy program says "invalid".\n\n${t['good']}\n\nThanks,\nbob@example.com`,
    good,
  ),
  about('token', 'a token with an escaped line break', ({ tokens: t }) => `${t['good']}\\n`, good),
  about(
    'token',
    'a token that names no key',
    ({ tokens: t }) => forge(claimsOf(t['good']!), active.privateKeyPem),
    good,
  ),
  about('token', 'a token under a key in its grace period', ({ tokens: t }) => t['grace']!, [null, null, /^Nothing/], {
    warning: 'in_grace',
  }),
  about('token', 'a token of another app', ({ tokens: t }) => t['other']!, good),
  about('token', 'a token of the test mode', ({ tokens: t }) => t['test']!, good, {
    warning: 'test_mode',
    causeForLiveKey: 'other_app',
  }),
  about('token', 'a token that was cut off in its signature', ({ tokens: t }) => t['good']!.slice(0, -80), [
    'form',
    'cut_off_text',
    newest,
  ]),
  about(
    'token',
    'a token in lines of mail, the last of which is missing',
    ({ tokens: t }) => `My token is\n${lines(t['good']!).split('\n').slice(0, -2).join('\n')}\n\nRegards`,
    ['form', 'cut_off_text', newest],
  ),
  about('token', 'a token that was cut off in its claims', ({ tokens: t }) => t['good']!.slice(0, 150), [
    'form',
    'cut_off_text',
    askForMore,
  ]),
  about('token', 'a token with altered claims', ({ tokens: t }) => altered(t['good']!, 1), [
    'form',
    'altered_text',
    /./,
  ]),
  about('token', 'a token with an altered signature', ({ tokens: t }) => altered(t['good']!, 2), [
    'signature',
    'bad_signature',
    newest,
  ]),
  about(
    'token',
    'a token with more features than were sold',
    ({ tokens: t }) => {
      const claims = { ...claimsOf(t['good']!), features: ['everything'] }
      const [header, , signature] = t['good']!.split('.')
      return `${header}.${btoa(JSON.stringify(claims)).replaceAll('=', '')}.${signature}`
    },
    ['signature', 'bad_signature', newest],
  ),
  about(
    'token',
    'a token with the algorithm none',
    ({ tokens: t }) => signRaw('{"alg":"none","typ":"JWT"}', payloadText(t['good']!), active.privateKeyPem),
    ['form', 'altered_text', newest],
  ),
  about(
    'token',
    'a token that brings its own key',
    ({ tokens: t }) => {
      const header = { ...(JSON.parse(headerText(t['good']!)) as object), jwk: { kty: 'RSA', e: 'AQAB' } }
      return forge(claimsOf(t['good']!), foreign.privateKeyPem, header)
    },
    ['form', 'altered_text', newest],
  ),
  about(
    'token',
    'a token of an app that is not here',
    ({ tokens: t }) => forge({ ...claimsOf(t['good']!), aud: 'nowhere' }, active.privateKeyPem),
    ['app', 'other_app', /./],
  ),
  about(
    'token',
    'a token of another server',
    ({ tokens: t }) => forge({ ...claimsOf(t['good']!), iss: 'elsewhere.example' }, foreign.privateKeyPem),
    ['issuer', 'other_issuer', /./],
  ),
  about(
    'token',
    'a token under a key that is not known',
    ({ tokens: t }) =>
      forge(claimsOf(t['good']!), foreign.privateKeyPem, { alg: 'RS256', typ: 'JWT', kid: 'x'.repeat(43) }),
    ['signing_key', 'key_unknown', /forged/],
  ),
  about('token', 'a token under a retired key', ({ tokens: t }) => t['retired']!, [
    'signing_key',
    'key_retired',
    newest,
  ]),
  about('token', 'a token under a key that leaked', ({ tokens: t }) => t['compromised']!, [
    'signing_key',
    'key_compromised',
    newest,
  ]),
  about('token', 'a token of a deleted license', ({ tokens: t }) => t['deleted']!, [
    'license',
    'no_license',
    /licenses create/,
  ]),
  about('token', 'a token that was cut off after a theft', ({ tokens: t }) => t['invalidated']!, [
    'cut_off',
    'invalidated',
    newest,
  ]),
  about('token', 'an earlier token', ({ tokens: t }) => t['older']!, [null, null, /renews itself/], {
    warning: 'older_revision',
  }),
  about('token', 'a token of a revoked license', ({ tokens: t }) => t['revoked']!, [
    'revocation',
    'license_revoked',
    /licenses reinstate/,
  ]),
  about('token', 'a token that ended with its license', ({ tokens: t }) => t['expired']!, [
    'token_end',
    'token_expired',
    /licenses update/,
  ]),
  about('token', 'an ended token of a license that was extended', ({ tokens: t }) => t['extended']!, [
    'token_end',
    'token_expired',
    newest,
  ]),
  about('token', 'a token of a license that was shortened', ({ tokens: t }) => t['shortened']!, [
    'end',
    'license_expired',
    /licenses update/,
  ]),
  about('token', 'a token whose tier was deleted', ({ tokens: t }) => t['tierless']!, [
    'tier',
    'missing_tier',
    /licenses update .* --tier/,
  ]),
  about('token', 'a token whose tier gained a feature', ({ tokens: t }) => t['stale']!, [null, null, /regenerate/], {
    warning: 'stale_features',
  }),
  about('token', 'a token of a seat that was given back', ({ tokens: t }) => t['released']!, [
    'seat',
    'seat_released',
    /license-keys\/activate/,
  ]),
  about('token', 'a token of a seat whose license key is revoked', ({ tokens: t }) => t['of revoked key']!, [
    'revocation',
    'license_key_revoked',
    /license-keys reinstate/,
  ]),
  about('token', 'a token of a good seat', ({ tokens: t }) => t['seated']!, good),
  about(
    'token',
    'tokens of two customers',
    ({ tokens: t }) => `${t['good']}\n${t['dave']}`,
    [null, null, /^Choose/],
    { candidates: 2 },
  ),
  about('license_file', 'a license file', ({ file }) => `Here it is:\n${file}`, good),
  about('license_file', 'a license file within JSON', ({ file }) => JSON.stringify({ file }), good),
  about('license_file', 'a license file without its end', ({ file }) => file.slice(0, 500), [
    'form',
    'cut_off_text',
    /licenses file/,
  ]),
]

/** The text of a license key with another symbol in its third group. */
function mistyped(key: string): string {
  const at = key.length - 15
  return key.slice(0, at) + (key[at] === 'Z' ? 'Y' : 'Z') + key.slice(at + 1)
}

const licenseKeys: readonly Case[] = [
  about('license_key', 'a good license key', ({ keys }) => keys['good']!.key, good),
  about(
    'license_key',
    'a license key in small letters with spaces and a label',
    ({ keys }) => `License key: ${keys['good']!.key.toLowerCase().replaceAll('-', ' ')}`,
    good,
  ),
  about('license_key', 'a mail with a license key', ({ keys }) => `Hello,\nmy key ${keys['good']!.key} fails.`, good),
  about('license_key', 'a mistyped license key', ({ keys }) => mistyped(keys['good']!.key), [
    'form',
    'mistyped',
    /compare it/,
  ]),
  about('license_key', 'a part of a license key', ({ keys }) => keys['good']!.key.slice(0, 20), [
    'form',
    'cut_off_text',
    /whole license key/,
  ]),
  about('license_key', 'a license key that was deleted', ({ keys }) => keys['deleted']!.key, [
    'license_key',
    'license_key_unknown',
    askForMore,
  ]),
  about('license_key', 'a license key without a free seat', ({ keys }) => keys['full']!.key, [
    'seats',
    'seats_full',
    /license-keys release/,
  ]),
  about('license_key', 'a revoked license key', ({ keys }) => keys['revoked']!.key, [
    'revocation',
    'license_key_revoked',
    /license-keys reinstate/,
  ]),
  about('license_key', 'an expired license key', ({ keys }) => keys['expired']!.key, [
    'end',
    'license_key_expired',
    /license-keys update/,
  ]),
  about('license_key', 'a text that was rolled away', ({ keys }) => keys['rolled']!.key, [
    'license_key_text',
    'license_key_rolled',
    /license-keys get/,
  ]),
  about(
    'license_key',
    'a text that was rolled and works for some days',
    ({ keys }) => keys['overlapping']!.key,
    [null, null, /license-keys get/],
    { warning: 'old_text' },
  ),
  about('license_key', 'a license key whose tier was deleted', ({ keys }) => keys['tierless']!.key, [
    'tier',
    'missing_tier',
    /license-keys update .* --tier/,
  ]),
  about('license_key', 'the key of another shop', () => 'SHOP_1234_5678_abcd', good),
  about('license_key_id', 'the id of a license key', ({ keys }) => keys['full']!.id, [
    'seats',
    'seats_full',
    /license-keys release/,
  ]),
  about('license_key_id', 'the id of a license key that is gone', ({ keys }) => keys['deleted']!.id, [
    'license_key',
    'license_key_unknown',
    askForMore,
  ]),
]

const ids: readonly Case[] = [
  about('installation', 'an installation id', ({ licenses }) => licenses['good']!.installationId, good),
  about(
    'installation',
    'an installation id in capitals and braces',
    ({ licenses }) => `{${licenses['revoked']!.installationId.toUpperCase()}}`,
    ['revocation', 'license_revoked', /licenses reinstate/],
  ),
  about('installation', 'an installation id that nobody knows', () => 'a1b2c3d4-e5f6-4a7b-8c9d-ffffffffffff', [
    'license',
    'no_license',
    /licenses create/,
  ]),
  about('installation', 'the lic_id of a token', ({ tokens: t }) => claimsOf(t['good']!).lic_id, good),
  about('license', 'the id of a license', ({ licenses }) => licenses['expired']!.id, [
    'end',
    'license_expired',
    /licenses update/,
  ]),
  about('license', 'the id of a license that gave up its place', ({ licenses }) => licenses['superseded']!.id, [
    'end',
    'license_expired',
    /licenses update/,
  ], { warning: 'superseded' }),
  about('license', 'the id of a deleted license', ({ licenses }) => licenses['deleted']!.id, [
    'license',
    'no_license',
    askForMore,
  ]),
  about(
    'license',
    'an address of the API',
    ({ licenses }) => `https://l.example/api/v1/apps/desktop-app/licenses/${licenses['revoked']!.id}`,
    ['revocation', 'license_revoked', /licenses reinstate/],
  ),
  about('jti', 'the id of a token', ({ tokens: t }) => claimsOf(t['good']!).jti, good),
  about('jti', 'the id of a token that was cut off', ({ tokens: t }) => claimsOf(t['invalidated']!).jti, [
    'cut_off',
    'invalidated',
    newest,
  ]),
  about('jti', 'the id of a token of a deleted license', ({ tokens: t }) => claimsOf(t['deleted']!).jti, [
    'license',
    'no_license',
    /licenses create/,
  ]),
  about('jti', 'an id of a token that nobody made', ({ licenses }) => licenses['good']!.id + '0'.repeat(32), [
    'license',
    'no_license',
    askForMore,
  ]),
  about('customer', 'the id of a customer with one license', ({ customers }) => customers['bob']!, good),
  about('email', 'the e-mail of a customer with one license', () => 'From: Bob <Bob@Example.com>', good),
  about('email', 'the e-mail of a customer with several', () => 'ada@example.com', [null, null, /^Choose/], {
    candidates: 20,
  }),
  about('email', 'the e-mail of a customer with a license key', () => 'mailto:erin@example.com', good),
  about('email', 'the e-mail of a customer without a license', () => 'carol@example.com', [
    'customer',
    'no_license',
    /licenses create/,
  ]),
  about('email', 'an e-mail that nobody has', () => 'nobody@example.com', ['customer', 'no_license', /another e-mail/]),
  about('external_id', 'the number of a customer', () => 'user-42', good),
  about('external_id', 'the number of an order', () => ' order-1001 ', good),
  about('signing_key', 'the kid of the active key', ({ kids }) => kids['active']!, good),
  about('signing_key', 'the kid of a retired key', ({ kids }) => kids['retired']!, [
    'signing_key',
    'key_retired',
    /trust\.json/,
  ]),
  about('signing_key', 'the kid of a key that leaked', ({ kids }) => kids['compromised']!, [
    'signing_key',
    'key_compromised',
    /trust\.json/,
  ]),
  about('signing_key', 'a kid that no app has', () => 'k'.repeat(43), ['signing_key', 'key_unknown', /another server/]),
  about('request_id', 'the id of a request', () => 'X-Request-Id: 3f2c1e0a-5b7d-4c0e-9a53-0d6f3f1b2c4d', [
    'license',
    'no_license',
    /log of the server/,
  ]),
  about('app', 'the slug of an app', () => 'desktop-app', ['license', 'no_license', askForMore]),
  about('api_key_id', 'the id of an API key', () => 'key_01kfnb6qg4eh3tv7m2d9r5x8wc', [
    'license',
    'no_license',
    askForMore,
  ]),
]

const others: readonly Case[] = [
  about('api_key', 'a secret API key', () => `curl -H 'Authorization: Bearer ${apiKeySecret('sk', 'live')}'`, [
    'secret',
    'secret_exposed',
    leaked,
  ]),
  about('api_key', 'a public API key', () => apiKeySecret('pk', 'test'), ['secret', 'secret_exposed', leaked]),
  about('api_key', 'a part of an API key', () => apiKeySecret('sk', 'live').slice(0, 20), [
    'secret',
    'secret_exposed',
    leaked,
  ]),
  about(
    'api_key',
    'a good token beside an API key',
    ({ tokens: t }) => `${t['good']} ${apiKeySecret('sk', 'live')}`,
    ['secret', 'secret_exposed', leaked],
  ),
  about('webhook_secret', 'the secret of a webhook', () => 'whsec_ZXhhbXBsZSBleGFtcGxlIGV4YW1wbGUgZXhhbXBsZSE=', [
    'secret',
    'secret_exposed',
    /webhook-secret\/roll/,
  ]),
  about('private_key', 'a private key', () => active.privateKeyPem, ['secret', 'secret_exposed', /--compromised/]),
  about('unknown', 'a text of spaces', () => ' \n\t', ['form', 'empty', askForMore]),
  about('unknown', 'a question', () => 'Why does it not work?', ['form', 'unknown_text', askForMore]),
  about('unknown', 'a long complaint', () => 'It does not work. '.repeat(500), ['form', 'unknown_text', askForMore]),
]

/** Everything that customers send, with its first failing check and the action that mends it. */
export const cases: readonly Case[] = [...tokens, ...licenseKeys, ...ids, ...others]
