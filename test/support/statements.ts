import { base64url, calculateJwkThumbprint, exportJWK, importPKCS8, importSPKI, type JWK } from 'jose'
import { createHash } from 'node:crypto'
import shortKeyPairs from './short-key-pairs.json' with { type: 'json' }
import { makeJti } from '../../src/core/token/jti.ts'
import { signToken } from '../../src/core/token/token.ts'

/** A key that signs statements and tokens in a test. */
export interface StatementKey {
  readonly kid: string
  readonly jwk: JWK
  readonly publicKeyPem: string
  readonly privateKey: CryptoKey
}

export async function statementKey(pem: {
  readonly publicKeyPem: string
  readonly privateKeyPem: string
}): Promise<StatementKey> {
  const { kty, n, e } = await exportJWK(await importSPKI(pem.publicKeyPem, 'RS256', { extractable: true }))
  const jwk = { kty, n, e } as JWK
  const privateKey = await importPKCS8(pem.privateKeyPem, 'RS256')
  return { kid: await calculateJwkThumbprint(jwk), jwk, publicKeyPem: pem.publicKeyPem, privateKey }
}

/** Fixed keys of 2048 bits, because making one takes a while. They are public and protect nothing. */
export function statementKeys(): Promise<readonly StatementKey[]> {
  return Promise.all(shortKeyPairs.map(statementKey))
}

export type Payload = Readonly<Record<string, unknown>>

/** A statement as `trust.json` holds it. */
export interface Statement {
  readonly payload: string
  readonly signatures: readonly Readonly<Record<string, unknown>>[]
}

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(text))

/** Signs a payload and a header, also malformed ones, and under keys that jose would refuse. */
export async function signStatement(
  payload: Payload | string,
  signers: readonly StatementKey[],
  recoverers: readonly StatementKey[] = [],
  header: object = {},
): Promise<Statement> {
  const encoded = base64url.encode(typeof payload === 'string' ? payload : JSON.stringify(payload))
  const sign = async ({ kid, privateKey }: StatementKey): Promise<Readonly<Record<string, unknown>>> => {
    const parts = { alg: 'RS256', typ: 'keystatement+jwt', kid, ...header }
    const protectedHeader = base64url.encode(JSON.stringify(parts))
    const input = bytesOf(`${protectedHeader}.${encoded}`)
    const signature = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', privateKey, input)
    return { protected: protectedHeader, signature: base64url.encode(new Uint8Array(signature)) }
  }
  const ofRecoverers = recoverers.map(async (key) => ({ ...(await sign(key)), header: { jwk: key.jwk } }))
  return { payload: encoded, signatures: await Promise.all([...ofRecoverers, ...signers.map(sign)]) }
}

export function hashOf({ payload }: Statement): string {
  return createHash('sha256').update(Buffer.from(payload, 'base64url')).digest('base64url')
}

export function payloadIn({ payload }: Statement): Payload {
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Payload
}

/** The start of a test's time, in seconds since 1970. */
export const start = 1_769_162_400

/** A chain of statements that a test writes. Each method gives another chain, so that a test can fork one. */
export class TestChain {
  readonly statements: readonly Statement[]
  readonly keys: readonly StatementKey[]

  constructor(statements: readonly Statement[] = [], keys: readonly StatementKey[] = []) {
    this.statements = statements
    this.keys = keys
  }

  static async begin(key: StatementKey, fields: Payload = {}): Promise<TestChain> {
    return new TestChain().add(key, fields, [key])
  }

  get file(): { readonly v: 1; readonly statements: readonly Statement[] } {
    return { v: 1, statements: this.statements }
  }

  get active(): StatementKey {
    return this.keys.at(-1)!
  }

  /** The payload of the next statement. `fields` replace its own, in its order. */
  next(key: StatementKey, fields: Payload = {}): Payload {
    const last = this.statements.at(-1)
    const seq = this.statements.length + 1
    const recovery = last === undefined ? null : payloadIn(last)['recovery']
    const plain = { iss: 'license-server', aud: 'desktop-app', seq, prev: last ? hashOf(last) : null }
    const { jwk } = key
    return { ...plain, iat: start + seq * 100, key: jwk, retired: {}, revoked: [], recovery, ...fields }
  }

  async add(
    key: StatementKey,
    fields: Payload,
    signers: readonly StatementKey[],
    recoverers: readonly StatementKey[] = [],
  ): Promise<TestChain> {
    const statement = await signStatement(this.next(key, fields), signers, recoverers)
    return new TestChain([...this.statements, statement], [...this.keys, key])
  }

  /** A rotation: the outgoing key and the new one sign. */
  rotate(key: StatementKey, fields: Payload = {}): Promise<TestChain> {
    const { kid } = this.active
    const retired = { [kid]: start + (this.statements.length + 1) * 100 }
    return this.add(key, { retired, ...fields }, [this.active, key])
  }

  /** A rotation after a theft: the outgoing key revokes itself. */
  compromise(key: StatementKey, fields: Payload = {}): Promise<TestChain> {
    return this.rotate(key, { revoked: [this.active.kid], ...fields })
  }

  /** A statement that recovery keys sign, and the new key. */
  recover(key: StatementKey, by: readonly StatementKey[], fields: Payload = {}): Promise<TestChain> {
    return this.add(key, { revoked: [this.active.kid], ...fields }, [key], by)
  }

  /** Sets the recovery keys by a statement that names the present key again. */
  setRecovery(threshold: number, keys: readonly StatementKey[]): Promise<TestChain> {
    return this.add(this.active, { recovery: { threshold, kids: keys.map(({ kid }) => kid) } }, [this.active])
  }

  /** The first `count` statements. */
  upTo(count: number): TestChain {
    return new TestChain(this.statements.slice(0, count), this.keys.slice(0, count))
  }

  /** A token under the active key. */
  token(fields: { readonly revision?: number; readonly iat?: number } = {}): Promise<string> {
    return tokenUnder(this.active, fields)
  }
}

const licenseUuid = '019be959-6c00-7000-8000-000000000000'
const licenseId = 'lic_01kfmnjv00e008000000000000'

/** A token under this key, of the one license of these tests. */
export function tokenUnder(
  { kid, privateKey }: StatementKey,
  { revision = 1, iat = start }: { readonly revision?: number; readonly iat?: number } = {},
): Promise<string> {
  const jti = makeJti(() => new Uint8Array(32), { licenseId, revision }, licenseUuid)
  const sub = 'a1b2c3d4-e5f6-4a7b-8c9d-000000000001'
  const names = { sub, aud: 'desktop-app', iss: 'license-server' }
  const claims = { ...names, iat, jti, lic_id: licenseUuid, tier: 'pro', customer_id: 'cus_1', features: [] }
  return signToken(claims, kid, privateKey)
}

/** The armoured text of a license file. */
export function licenseFile(members: object): string {
  const body = Buffer.from(JSON.stringify(members)).toString('base64')
  const lines = body.match(/.{1,64}/g)!.join('\n')
  return `-----BEGIN HEARTWOOD LICENSE-----\n${lines}\n-----END HEARTWOOD LICENSE-----\n`
}
