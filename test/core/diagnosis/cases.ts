import { apiKeySecret } from '../../../src/core/api-keys/secret.ts'
import { testKeyPairs } from '../../support/keys.ts'
import { claimsOf } from '../../support/tokens.ts'
import { about, askForMore, good, newest, type Case } from './case.ts'
import { shopKeys } from './desk.ts'
import { tokenCases } from './token-cases.ts'

const leaked = /treat it as leaked/

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
  about(
    'license_key',
    'a mail with a license key',
    ({ keys }) => `Hello,\nmy key ${keys['good']!.key} fails.`,
    good,
  ),
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
  about('license_key', 'the key of another shop in our form', () => `Key: ${shopKeys.groups}.`, good),
  about('license_key', 'the key of another shop with right check symbols', () => shopKeys.right, good),
  about('license_key', 'the key of another shop in hexadecimal', () => shopKeys.hex, good),
  about('license_key', 'the key of another shop in another case', () => shopKeys.groups.toLowerCase(), [
    'form',
    'mistyped',
    /compare it/,
  ]),
  about('license_key_id', 'the id of a license key', ({ keys }) => keys['full']!.id, [
    'seats',
    'seats_full',
    /license-keys release/,
  ]),
  about('license_key_id', 'the id of a license key that is gone', ({ keys }) => keys['deleted']!.id, [
    'license_key',
    'license_key_unknown',
    /license-keys create --app desktop-app/,
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
  about(
    'installation',
    'an installation id that nobody knows',
    () => 'a1b2c3d4-e5f6-4a7b-8c9d-ffffffffffff',
    ['license', 'no_license', /licenses create/],
  ),
  about('installation', 'the lic_id of a token', ({ tokens: t }) => claimsOf(t['good']!).lic_id, good),
  about('license', 'the id of a license', ({ licenses }) => licenses['expired']!.id, [
    'end',
    'license_expired',
    /licenses update/,
  ]),
  about(
    'license',
    'the id of a license that gave up its place',
    ({ licenses }) => licenses['superseded']!.id,
    ['end', 'license_expired', /licenses update/],
    { warning: 'superseded' },
  ),
  about('license', 'the id of a deleted license', ({ licenses }) => licenses['deleted']!.id, [
    'license',
    'no_license',
    /licenses create --app desktop-app/,
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
  about('email', 'an e-mail that nobody has', () => 'nobody@example.com', [
    'customer',
    'no_license',
    /another e-mail/,
  ]),
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
  about('signing_key', 'a kid that no app has', () => 'k'.repeat(43), [
    'signing_key',
    'key_unknown',
    /another server/,
  ]),
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
  about(
    'api_key',
    'a secret API key',
    () => `curl -H 'Authorization: Bearer ${apiKeySecret('sk', 'live')}'`,
    ['secret', 'secret_exposed', leaked],
  ),
  about('api_key', 'a public API key', () => apiKeySecret('pk', 'test'), [
    'secret',
    'secret_exposed',
    leaked,
  ]),
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
  about(
    'webhook_secret',
    'the secret of a webhook',
    () => 'whsec_ZXhhbXBsZSBleGFtcGxlIGV4YW1wbGUgZXhhbXBsZSE=',
    ['secret', 'secret_exposed', /webhook-secret\/roll/],
  ),
  about('private_key', 'a private key', () => testKeyPairs[5]!.privateKeyPem, [
    'secret',
    'secret_exposed',
    /--compromised/,
  ]),
  about('unknown', 'a text of spaces', () => ' \n\t', ['form', 'empty', askForMore]),
  about('unknown', 'a question', () => 'Why does it not work?', ['form', 'unknown_text', askForMore]),
  about('unknown', 'a long complaint', () => 'It does not work. '.repeat(500), [
    'form',
    'unknown_text',
    askForMore,
  ]),
]

/** Everything that customers send, with its first failing check and the action that mends it. */
export const cases: readonly Case[] = [...tokenCases, ...licenseKeys, ...ids, ...others]
