import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importJWK, type JWK } from 'jose'
import { KeyChain } from '../../src/client/key-chain.ts'
import { readVectors } from '../support/vectors.ts'

interface Vectors {
  readonly audience: string
  readonly issuer: string
  readonly keys: Readonly<Record<string, JWK>>
  readonly statements: Readonly<Record<string, object>>
  readonly cases: readonly {
    readonly name: string
    readonly anchors: readonly string[]
    readonly files: readonly (readonly string[])[]
    readonly trusted: readonly string[]
    readonly conflicts: readonly (number | null)[]
    readonly tokens: readonly { readonly kid: string; readonly iat: number; readonly accepted: boolean }[]
  }[]
}

const { audience, issuer, keys, statements, cases } = readVectors('own/key-statements.json') as Vectors

async function anchorOf(kid: string) {
  return { kid, publicKey: (await importJWK(keys[kid]!, 'RS256')) as CryptoKey }
}

for (const { name, anchors, files, trusted, conflicts, tokens } of cases)
  test(`key-statements.json: ${name}`, async () => {
    const chain = new KeyChain({ audience, issuer }, await Promise.all(anchors.map(anchorOf)))
    const seen: (number | null)[] = []
    for (const file of files) {
      const offered = await chain.offer({ v: 1, statements: file.map((id) => statements[id]) })
      seen.push(offered?.conflict ?? null)
    }
    const known = new Set([...anchors, ...chain.keys.map(({ kid }) => kid)])
    assert.deepEqual([[...known], seen], [trusted, conflicts])
    for (const { kid, iat, accepted } of tokens)
      assert.equal(known.has(kid) && !chain.refuses(kid, iat), accepted, `${kid} at ${iat}`)
  })
