import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importPKCS8, importSPKI } from 'jose'
import { sealingSecret, signatureKey } from '../../src/core/runtime/crypto.ts'
import { readVectors } from '../support/vectors.ts'

interface Vectors<Group> {
  readonly testGroups: readonly Group[]
}

interface Case {
  readonly tcId: number
  readonly result: 'valid' | 'invalid' | 'acceptable'
  readonly msg: string
  readonly sig: string
}

interface GcmCase extends Case {
  readonly key: string
  readonly iv: string
  readonly aad: string
  readonly ct: string
  readonly tag: string
}

interface GcmGroup {
  readonly keySize: number
  readonly ivSize: number
  readonly tagSize: number
  readonly tests: readonly GcmCase[]
}

interface RsaGroup {
  readonly sha: string
  readonly privateKeyPkcs8: string
  readonly publicKeyPem: string
  readonly tests: readonly Case[]
}

function groupsOf<Group>(file: string): readonly Group[] {
  return (readVectors(`wycheproof/${file}`) as Vectors<Group>).testGroups
}

function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

function toHex(bytes: ArrayBuffer | Uint8Array): string {
  return Buffer.from(bytes as Uint8Array).toString('hex')
}

const rs256 = 'RSASSA-PKCS1-v1_5'

test('crypto.subtle.sign(): RSA-4096 equals 8 known answers, byte for byte', async () => {
  const groups = groupsOf<RsaGroup>('rsa_pkcs1_4096_sig_gen_test.json').filter(({ sha }) => sha === 'SHA-256')
  const cases = groups.flatMap(({ privateKeyPkcs8, tests }) =>
    tests.map((each) => ({ ...each, privateKeyPkcs8 })),
  )
  assert.equal(cases.length, 8)
  for (const { tcId, msg, sig, privateKeyPkcs8 } of cases) {
    const pem = `-----BEGIN PRIVATE KEY-----\n${Buffer.from(privateKeyPkcs8, 'hex').toString('base64')}\n-----END PRIVATE KEY-----`
    const key = await importPKCS8(pem, 'RS256')
    assert.equal(toHex(await crypto.subtle.sign(rs256, key, fromHex(msg))), sig, `tcId ${tcId}`)
  }
})

test('crypto.subtle.verify(): accepts every valid one of 258 RSA-4096 signatures, and no other', async () => {
  for (const { publicKeyPem, tests } of groupsOf<RsaGroup>('rsa_signature_4096_sha256_test.json')) {
    const key = await importSPKI(publicKeyPem, 'RS256')
    assert.equal(tests.length, 258)
    for (const { tcId, result, msg, sig } of tests) {
      const accepted = await crypto.subtle.verify(rs256, key, fromHex(sig), fromHex(msg))
      assert.equal(accepted, result === 'valid', `tcId ${tcId}`)
    }
  }
})

test('signatureKey(): accepts every valid one of 258 RSA-4096 signatures, and no other', async () => {
  for (const { publicKeyPem, tests } of groupsOf<RsaGroup>('rsa_signature_4096_sha256_test.json')) {
    const key = signatureKey('key', publicKeyPem)
    assert.equal(tests.length, 258)
    for (const { tcId, result, msg, sig } of tests)
      assert.equal(await key.verifies(fromHex(msg), fromHex(sig)), result === 'valid', `tcId ${tcId}`)
  }
})

/** The plaintext in hexadecimal; `null` if it is refused. */
function opened({ key, iv, aad, ct, tag }: GcmCase): string | null {
  try {
    return toHex(sealingSecret(fromHex(key)).decrypt(fromHex(ct + tag), fromHex(iv), fromHex(aad)))
  } catch {
    return null
  }
}

const gcmGroups = groupsOf<GcmGroup>('aes_gcm_test.json')

test('sealingSecret(): agrees with all 66 AES-256-GCM cases of its sizes, both ways', () => {
  const groups = gcmGroups.filter(
    ({ keySize, ivSize, tagSize }) => keySize === 256 && ivSize === 96 && tagSize === 128,
  )
  const cases = groups.flatMap(({ tests }) => tests)
  assert.equal(cases.length, 66)
  for (const each of cases) {
    const { tcId, result, key, iv, aad, msg, ct, tag } = each
    assert.equal(opened(each), result === 'valid' ? msg : null, `tcId ${tcId}`)
    if (result !== 'valid') continue
    const sealed = sealingSecret(fromHex(key)).encrypt(fromHex(msg), fromHex(iv), fromHex(aad))
    assert.equal(toHex(sealed), ct + tag)
  }
})

test('sealingSecret(): accepts no invalid case of any size, and never gives a wrong plaintext', () => {
  for (const each of gcmGroups.flatMap(({ tests }) => tests)) {
    const text = opened(each)
    if (each.result === 'invalid') assert.equal(text, null, `tcId ${each.tcId}`)
    if (text !== null) assert.equal(text, each.msg, `tcId ${each.tcId}`)
  }
})
