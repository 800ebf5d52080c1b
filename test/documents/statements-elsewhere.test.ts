import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { generalVerify, importJWK, type GeneralJWS } from 'jose'
import {
  recoveryKeyId,
  signWithRecoveryKey,
  type KeyStatement,
  type TrustFile,
} from '../../src/core/index.ts'
import { newShop } from '../support/fixtures.ts'
import { recoveryKeys } from '../support/keys.ts'
import { findProgram, leaveOut } from '../support/left-out.ts'

const slug = 'desktop-app'

/** A rotation with grace, recovery keys, and a rotation that one of them signs. */
async function trustFile(): Promise<TrustFile> {
  const { licensing } = await newShop()
  const { privateKeyPem } = recoveryKeys[0]!
  await licensing.rotateKeys(slug, { gracePeriodDays: 30 })
  const recover = async (payload: string) => [await signWithRecoveryKey(payload, privateKeyPem)]
  await licensing.recovery.set(slug, { threshold: 1, kids: [await recoveryKeyId(privateKeyPem)] }, recover)
  await licensing.rotateKeys(slug, { compromised: true, recover })
  return licensing.apps.trust(slug)
}

/** Each program reads a trust file, verifies every signature with its library alone, and prints their number. */
const begin = `
import base64, hashlib, json, sys

def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

def thumbprint(jwk):
    text = json.dumps({"e": jwk["e"], "kty": jwk["kty"], "n": jwk["n"]}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")

statements = json.load(sys.stdin)["statements"]
keys = {}
for statement in statements:
    jwk = json.loads(decoded(statement["payload"]))["key"]
    keys[thumbprint(jwk)] = jwk

def signatures():
    for statement in statements:
        for one in statement["signatures"]:
            header = json.loads(decoded(one["protected"]))
            assert header["alg"] == "RS256" and header["typ"] == "keystatement+jwt"
            jwk = one.get("header", {}).get("jwk") or keys[header["kid"]]
            assert thumbprint(jwk) == header["kid"]
            yield statement["payload"], one, jwk

count = 0
`

const programs: Readonly<Record<string, readonly [modules: string, debian: string, program: string]>> = {
  PyJWT: [
    'jwt, cryptography',
    'python3-jwt',
    `
import jwt
for payload, one, jwk in signatures():
    token = one["protected"] + "." + payload + "." + one["signature"]
    key = jwt.algorithms.RSAAlgorithm.from_jwk(json.dumps(jwk))
    assert jwt.api_jws.PyJWS().decode(token, key, algorithms=["RS256"]) == decoded(payload)
    count += 1
`,
  ],
  cryptography: [
    'cryptography',
    'python3-cryptography',
    `
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
for payload, one, jwk in signatures():
    number = lambda name: int.from_bytes(decoded(jwk[name]), "big")
    key = rsa.RSAPublicNumbers(number("e"), number("n")).public_key()
    signed = (one["protected"] + "." + payload).encode()
    key.verify(decoded(one["signature"]), signed, padding.PKCS1v15(), hashes.SHA256())
    count += 1
`,
  ],
  jwcrypto: [
    'jwcrypto',
    'python3-jwcrypto',
    `
from jwcrypto import jwk as keyring, jws
for payload, one, jwk in signatures():
    token = jws.JWS()
    token.deserialize(json.dumps({"payload": payload, "signatures": [one]}))
    token.verify(keyring.JWK(**jwk))
    assert token.payload == decoded(payload)
    count += 1
`,
  ],
}

/** Verifies a file with the library of a program. Resolves to the number of signatures. */
async function run(python: string, program: string, trust: TrustFile): Promise<number> {
  const running = promisify(execFile)(python, ['-c', `${begin}${program}\nprint(count)`], { timeout: 60_000 })
  running.child.stdin?.end(JSON.stringify(trust))
  return Number((await running).stdout)
}

function changed({ v, statements }: TrustFile): TrustFile {
  const [first, ...rest] = statements
  const text = Buffer.from(first!.payload, 'base64url').toString().replace('"seq":1', '"seq":2')
  return { v, statements: [{ ...first!, payload: Buffer.from(text).toString('base64url') }, ...rest] }
}

for (const [library, [modules, debian, program]] of Object.entries(programs)) {
  const python = findProgram(['python3'], ['-c', `import ${modules}`])
  const tests = `the signatures of statements under ${library}`
  const skip =
    python === undefined ? leaveOut(tests, `no python3 with ${library} (Debian: ${debian})`) : false
  test(
    `trust.json: ${library} verifies every signature, and refuses a changed payload`,
    { skip },
    async () => {
      const trust = await trustFile()
      assert.equal(await run(python!, program, trust), 1 + 2 + 1 + 2)
      await assert.rejects(run(python!, program, changed(trust)), /InvalidSignature|InvalidJWSSignature/)
    },
  )
}

test('examples: each verifier in another language says whether it follows statements', () => {
  const programs = readdirSync('examples').filter((name) => name.endsWith('.py'))
  assert.ok(programs.length > 0)
  const page = readFileSync('docs/rotation.md', 'utf8')
  for (const name of programs) {
    assert.match(readFileSync(`examples/${name}`, 'utf8'), /does not follow trust\.json/, name)
    assert.ok(page.includes(`(../examples/${name})`), name)
  }
})

test('trust.json: jose verifies every signature, and refuses a changed payload', async () => {
  const trust = await trustFile()
  const keys = trust.statements.map(
    ({ payload }) => (JSON.parse(Buffer.from(payload, 'base64url').toString()) as KeyStatement).key,
  )
  const verify = async ({ statements }: TrustFile): Promise<void> => {
    for (const [at, statement] of statements.entries())
      await generalVerify(statement as unknown as GeneralJWS, await importJWK({ ...keys[at]! }, 'RS256'))
  }
  await verify(trust)
  await assert.rejects(verify(changed(trust)), /signature verification failed/)
})
