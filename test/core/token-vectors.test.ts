import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { tokenVectors as made } from '../../scripts/token-vectors.ts'
import { createLicenseClient, LicensingError } from '../../src/client/index.ts'
import { readPastedToken } from '../../src/core/token/pasted.ts'
import { readJti } from '../../src/core/token/token.ts'
import type { Case, Verdict } from '../verifiers/languages.ts'
import { judgeByCore, knownClaims } from '../verifiers/readers.ts'
import { tokenVectors, vectorCases } from '../verifiers/vectors.ts'

/** The verdict of a program that gets the token and has never seen another. */
async function judgeByClient({ token, app, issuer, keys, now, releasedAt }: Case): Promise<Verdict> {
  const released = releasedAt === undefined ? {} : { releasedAt: new Date(releasedAt * 1000).toISOString() }
  const client = await createLicenseClient({
    ...{ baseUrl: 'https://licenses.example.com', app, issuer, publicKeys: keys, graceDays: 0 },
    ...{ background: false, now: () => now * 1000, ...released },
  })
  try {
    const { code, claims } = await client.setToken(token)
    return code ?? { claims: knownClaims(claims!), revision: readJti(claims!.jti)!.revision }
  } catch (error) {
    if (error instanceof LicensingError) return error.code
    throw error
  }
}

test('vectors/license-tokens.json: core accepts and refuses each token as the file says', async () => {
  for (const { name, verdict, ...each } of vectorCases)
    assert.deepEqual(await judgeByCore(each), verdict, name)
})

test('vectors/license-tokens.json: the client does too, and reads a pasted token', async () => {
  let pasted = 0
  for (const { name, verdict, ...each } of vectorCases) {
    const token = readPastedToken(each.token)
    const expected = token === each.token ? verdict : await judgeByCore({ ...each, token })
    if (typeof expected !== 'string' && typeof verdict === 'string') pasted++
    assert.deepEqual(await judgeByClient(each), expected, name)
  }
  assert.ok(pasted > 0)
})

test('vectors/license-tokens.json: holds at least 80 tokens, each once and by a name of its own', () => {
  const names = vectorCases.map(({ name }) => name)
  assert.deepEqual([...new Set(names)], names)
  const cases = vectorCases.map(({ name: _name, verdict: _verdict, ...each }) => JSON.stringify(each))
  assert.deepEqual([...new Set(cases)], cases)
  const accepted = vectorCases.filter(({ verdict }) => typeof verdict !== 'string').length
  assert.ok(accepted >= 40 && vectorCases.length - accepted >= 200, `${accepted} of ${vectorCases.length}`)
})

test('vectors/license-tokens.json: is what scripts/token-vectors.ts makes', () => {
  assert.deepEqual(tokenVectors, JSON.parse(JSON.stringify(made())))
})

test('vectors/license-tokens.json: no vector of an earlier release has changed', () => {
  const digest = createHash('sha256').update(JSON.stringify(tokenVectors.vectors.slice(0, 323)))
  assert.equal(digest.digest('hex'), '9bc8d3be4f5139e72e7aadb6c1e4c4322754da80a4785924aec3366bc0f5403b')
})
