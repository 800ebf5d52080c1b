import assert from 'node:assert/strict'
import { test } from 'node:test'
import { build, recipes, variants, verdicts } from '../support/hostile-tokens.ts'
import { testKeyPairs } from '../support/keys.ts'
import { forge, payloadText, verdictOf } from '../support/tokens.ts'
import { codeOf, newShop, tokenOf, type Shop } from '../support/fixtures.ts'

/** The verdicts of the server. No `iat` refuses its own token, because its clock may have run ahead. */
const ownVerdicts: typeof verdicts = { ...verdicts, 'iat future': 'ok' }

/** A shop with the recipes' audience and issuer, and a license of one day. */
async function openShop(): Promise<Shop & { readonly id: string; readonly token: string }> {
  const shop = await newShop({ issuer: 'lic' }, 'my-app')
  const license = await shop.issue({ durationDays: 1 })
  return { ...shop, id: license.id, token: tokenOf(license) }
}

test('verifyToken() and renew(): refuse each of 99 hostile tokens and change nothing', async () => {
  assert.equal(recipes.length, 99)
  const { licensing, storage, app, id, token } = await openShop()
  const before = await storage.findLicense(app.id, id)
  for (const recipe of recipes.flatMap(variants)) {
    const hostile = await build(recipe, token)
    const verdict = ownVerdicts[recipe.id] ?? 'invalid_token'
    assert.equal(await verdictOf(licensing, 'my-app', hostile), verdict, recipe.id)
    if (verdict !== 'ok')
      assert.equal(await codeOf(licensing.licenses.renew('my-app', id, hostile)), verdict, recipe.id)
  }
  assert.deepEqual(await storage.findLicense(app.id, id), before)
})

test('renew(): accepts every recipe that is legal', async () => {
  const { licensing, id, token } = await openShop()
  for (const recipe of recipes.filter((each) => ownVerdicts[each.id] === 'ok'))
    assert.equal(await codeOf(licensing.licenses.renew('my-app', id, await build(recipe, token))), 'ok')
})

test('verifyToken(): a token without exp ends with the record of its license', async () => {
  const { licensing, clock, id, token } = await openShop()
  const { exp: _end, ...endless } = JSON.parse(payloadText(token)) as { exp: number }
  const text = await forge(endless, testKeyPairs[0]!.privateKeyPem)
  clock.seconds += 86_400
  assert.equal(await verdictOf(licensing, 'my-app', text), 'token_expired')
  assert.equal(await codeOf(licensing.licenses.renew('my-app', id, text)), 'token_expired')
})
