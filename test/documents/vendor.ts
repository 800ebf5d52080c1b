import assert from 'node:assert/strict'
import { importSPKI, jwtVerify, type JWTPayload } from 'jose'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunningServer } from '../cli/heartwood.ts'
import { tokenStart } from '../support/tokens.ts'

/** A license as the server answers it. */
export interface LicenseJson {
  readonly id: string
  readonly token: string | null
  readonly features: readonly string[]
  readonly status: string
}

/** Speaks to a server as the vendor does, with the key that it printed. */
export interface Vendor {
  readonly server: RunningServer
  readonly key: string | null
}

/** Sends a request, asserts its status and answers the `data` of the answer. */
export async function call<Data>(
  { server, key }: Vendor,
  [method, path, status]: readonly [method: string, path: string, status: number],
  body?: object,
): Promise<Data> {
  const answer = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: { ...(key && { authorization: `Bearer ${key}` }), 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  assert.equal(answer.status, status, `${method} ${path}: ${text}`)
  return text === '' ? (undefined as Data) : (JSON.parse(text) as { data: Data }).data
}

/** Makes the app `my-app` with the tier `pro`, which has `api_access`. */
export async function makeApp(vendor: Vendor, slug = 'my-app'): Promise<void> {
  await call(vendor, ['POST', '/apps', 201], { name: 'My App', slug })
  await call(vendor, ['POST', `/apps/${slug}/tiers`, 201], {
    name: 'Pro',
    slug: 'pro',
    features: ['api_access'],
  })
}

let customers = 0

/** Issues a license to a customer of its own; a year long unless told otherwise. */
export async function issue(vendor: Vendor, license: object = {}, slug = 'my-app'): Promise<LicenseJson> {
  const email = `customer-${++customers}@example.com`
  const customer = await call<{ id: string }>(vendor, ['POST', `/apps/${slug}/customers`, 201], { email })
  return call(vendor, ['POST', `/apps/${slug}/licenses`, 201], {
    installation_id: crypto.randomUUID(),
    customer_id: customer.id,
    tier_id: 'pro',
    ...('expires_at' in license ? {} : { duration_days: 365 }),
    ...license,
  })
}

/** The public key that the server gives to everybody. */
export async function publicKey({ server }: Vendor, slug = 'my-app'): Promise<string> {
  return (await fetch(`${server.url}/api/v1/apps/${slug}/public-key`)).text()
}

/** Verifies as a program in the field does, by jose alone. */
export async function verified(token: string | null, pem: string, slug = 'my-app'): Promise<JWTPayload> {
  assert.equal(token?.slice(0, tokenStart.length), tokenStart)
  const expected = { algorithms: ['RS256'], audience: slug, issuer: 'license-server' }
  return (await jwtVerify(token, await importSPKI(pem, 'RS256'), expected)).payload
}

/** The version, algorithm and first octet of the key of a PKCS #8 RSA key (RFC 5208), in DER and as PEM has it. */
const pkcs8 = [
  Buffer.from('020100300d06092a864886f70d010101050004', 'hex'),
  Buffer.from('IBADANBgkqhkiG9w0BAQEFAASC'),
]

/** Searches every file of the database, as bytes, for what must never be in it. */
export function assertHoldsNoSecret(folder: string, secrets: readonly (string | null)[]): void {
  const files = readdirSync(folder).filter((name) => !name.endsWith('.key'))
  assert.notEqual(files.length, 0)
  const masterKey = readFileSync(join(folder, 'heartwood.key'), 'utf8').trim()
  const needles = [
    ...[tokenStart, 'PRIVATE KEY', masterKey, ...secrets].map((text) =>
      Buffer.from(text ?? 'no secret given'),
    ),
    ...[Buffer.from(masterKey, 'base64'), ...pkcs8],
  ]
  for (const file of files) {
    const bytes = readFileSync(join(folder, file))
    for (const needle of needles) assert.equal(bytes.indexOf(needle), -1, `${file} holds ${String(needle)}`)
  }
}
