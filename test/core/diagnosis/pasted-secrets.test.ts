import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { apiKeySecret } from '../../../src/core/api-keys/secret.ts'
import { codeOf, newShop, tokenOf, type Shop } from '../../support/fixtures.ts'

const app = 'desktop-app'
/** License keys have one of these between their groups when people send them. */
const separators = ['-', ' ', '.', '_', '/', ' - ', '--', '–', '\u200B-', '\t', ', ', '·', '\r\n']
const around: readonly (readonly [before: string, after: string])[] = [
  ['', ''],
  ['My key is ', ' and it does not work.'],
  ['Where I found ', ''],
  ['(', ')'],
]

describe('search and diagnosis agree about what is a secret', () => {
  let shop: Shop
  let key: string
  before(async () => {
    shop = await newShop()
    const sold = { customerId: shop.customer.id, tierId: 'pro', forever: true } as const
    key = (await shop.licensing.licenseKeys.create(app, sold)).key
  })
  const refusal = (text: string): Promise<string> => codeOf(shop.licensing.search(text))

  test('a license key between other words, with any separators, is found and never searched for', async () => {
    for (const separator of separators)
      for (const [begin, end] of around)
        for (const spelt of [key, key.toLowerCase()]) {
          const text = `${begin}${spelt.replaceAll('-', separator)}${end}`
          assert.equal(await refusal(text), 'validation_error', text)
          const { kind, cause } = await shop.licensing.diagnose({ text })
          assert.deepEqual([kind, cause], ['license_key', null], text)
        }
  })

  test('a part of a token and a vendor’s secret are named by one, and refused by the other', async () => {
    const token = tokenOf(await shop.issue())
    const secret = apiKeySecret('sk', 'live')
    const texts: readonly (readonly [text: string, kind: string])[] = [
      [token.slice(0, 40), 'token'],
      [`token_${token.slice(0, 100)}`, 'token'],
      [secret.toUpperCase(), 'api_key'],
      [`sk_li\u200Bve_${secret.slice(8)}`, 'api_key'],
      ['WHSEC_MFKQ9R8GKYQRTWJUPD8ILPZIO2LALASW', 'webhook_secret'],
      ['-----BEGIN PRIVATE KEY-----', 'private_key'],
    ]
    for (const [text, kind] of texts) {
      assert.equal(await refusal(text), 'validation_error', text)
      assert.equal((await shop.licensing.diagnose({ text })).kind, kind, text)
    }
  })

  test('five words of five letters are no license key, with one digit among them or not', async () => {
    for (const text of ['maria elena perez lopez gomez', 'Hello where 3pack still works'])
      assert.equal(await refusal(text), 'ok', text)
  })
})
