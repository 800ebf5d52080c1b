import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { generalVerify, importJWK, type GeneralJWS } from 'jose'
import {
  recoveryKeyId,
  signWithRecoveryKey,
  type KeyStatement,
  type Licensing,
  type Recover,
  type RecoverySet,
  type SignedStatement,
} from '../../src/core/index.ts'
import { recoveryKeys } from './keys.ts'

/** The app of the chains. */
export const slug: string = 'desktop-app'

/** The header of each signature, and the payload. */
export interface Opened extends KeyStatement {
  readonly kid: string
  readonly signers: readonly string[]
}

export function textOf(encoded: string): string {
  return Buffer.from(encoded, 'base64url').toString()
}

/** Verifies every signature with jose, and reads the statement. */
async function open(statement: SignedStatement, keys: Map<string, KeyStatement['key']>): Promise<Opened> {
  const said = JSON.parse(textOf(statement.payload)) as KeyStatement
  const headers = statement.signatures.map((one) => JSON.parse(textOf(one.protected)) as { kid: string })
  const { e, kty, n } = said.key
  const kid = createHash('sha256').update(JSON.stringify({ e, kty, n })).digest('base64url')
  keys.set(kid, said.key)
  for (const [at, signature] of statement.signatures.entries()) {
    const jwk = signature.header?.jwk ?? keys.get(headers[at]!.kid)!
    const jws = { payload: statement.payload, signatures: [signature] } as unknown as GeneralJWS
    await generalVerify(jws, await importJWK({ ...jwk }, 'RS256'), { algorithms: ['RS256'] })
    assert.deepEqual(headers[at], { alg: 'RS256', typ: 'keystatement+jwt', kid: headers[at]!.kid })
  }
  return { ...said, kid, signers: headers.map((header) => header.kid) }
}

/** Verifies the chain: numbers, hashes and signatures, and that it leads to the active key. */
export async function openAll(licensing: Licensing, app: string = slug): Promise<readonly Opened[]> {
  const { statements, v } = await licensing.apps.trust(app)
  assert.equal(v, 1)
  const keys = new Map<string, KeyStatement['key']>()
  const opened: Opened[] = []
  for (const [at, statement] of statements.entries()) {
    const said = await open(statement, keys)
    const before = at === 0 ? null : statements[at - 1]!.payload
    const prev = before && createHash('sha256').update(textOf(before)).digest('base64url')
    assert.deepEqual([said.seq, said.prev, said.iss, said.aud], [at + 1, prev, 'license-server', app])
    assert.ok(said.signers.includes(said.kid), 'the key that it names has signed')
    opened.push(said)
  }
  const [active] = (await licensing.apps.jwks(app)).keys
  assert.equal(opened.at(-1)!.kid, active!.kid)
  return opened
}

export function recoverBy(...places: readonly number[]): Recover {
  return (payload) =>
    Promise.all(places.map((place) => signWithRecoveryKey(payload, recoveryKeys[place]!.privateKeyPem)))
}

export async function setOf(threshold: number, ...places: readonly number[]): Promise<RecoverySet> {
  const kids = await Promise.all(places.map((place) => recoveryKeyId(recoveryKeys[place]!.privateKeyPem)))
  return { threshold, kids }
}
