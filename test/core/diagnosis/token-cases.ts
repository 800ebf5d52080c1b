import { base64url } from 'jose'
import { testKeyPairs } from '../../support/keys.ts'
import { claimsOf, forge, headerText, payloadText, signRaw } from '../../support/tokens.ts'
import { about, askForMore, good, newest, type Case } from './case.ts'

const active = testKeyPairs[5]!
const foreign = testKeyPairs[1]!

function lines(token: string, before = ''): string {
  return token.replace(/.{76}/g, (line) => `${line}\n${before}`)
}

/** The token with another character at a place of one part. */
function altered(token: string, part: number): string {
  const parts = token.split('.')
  const own = parts[part]!
  // In the claims, within the name of the first one.
  const at = part === 1 ? 5 : Math.floor(own.length / 2)
  parts[part] = own.slice(0, at) + (own[at] === 'A' ? 'B' : 'A') + own.slice(at + 1)
  return parts.join('.')
}

/** Tokens and license files. */
export const tokenCases: readonly Case[] = [
  about('token', 'a good token', ({ tokens: t }) => t['good']!, good),
  about('token', 'a token as a header', ({ tokens: t }) => `"Authorization: Bearer ${t['good']}"`, good),
  about(
    'token',
    'a token in a JSON body',
    ({ tokens: t }) => JSON.stringify({ current_token: t['good'] }),
    good,
  ),
  about('token', 'a token in lines of mail', ({ tokens: t }) => `> ${lines(t['good']!, '> ')}`, good),
  about(
    'token',
    'a whole line of a log',
    ({ tokens: t }) => `2026-11-30T10:00:00Z ERROR license: refused (token=${t['good']}) [main]`,
    good,
  ),
  about(
    'token',
    'an address with a token',
    ({ tokens: t }) => `https://example.com/?token=${t['good']}&x=1`,
    good,
  ),
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
  about(
    'token',
    'a token under a key in its grace period',
    ({ tokens: t }) => t['grace']!,
    [null, null, /^Nothing/],
    {
      warning: 'in_grace',
    },
  ),
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
      return `${header}.${base64url.encode(JSON.stringify(claims))}.${signature}`
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
  about(
    'token',
    'a token of a license that was shortened',
    ({ tokens: t }) => t['shortened']!,
    ['end', 'license_expired', /licenses update/],
    { warning: 'older_revision' },
  ),
  about('token', 'a token whose tier was deleted', ({ tokens: t }) => t['tierless']!, [
    'tier',
    'missing_tier',
    /licenses update .* --tier/,
  ]),
  about(
    'token',
    'a token whose tier gained a feature',
    ({ tokens: t }) => t['stale']!,
    [null, null, /regenerate/],
    {
      warning: 'stale_features',
    },
  ),
  about('token', 'a token of a seat that was given back', ({ tokens: t }) => t['released']!, [
    'seat',
    'seat_given_back',
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
