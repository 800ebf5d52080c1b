import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Storage } from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { codeOf, day, newShop, refusalOf, tallyOf, tokenOf } from '../support/fixtures.ts'

const app = 'desktop-app'

/** A memory storage that counts the calls of each verb. */
function counting(): { storage: Storage; calls: Record<string, number> } {
  const calls: Record<string, number> = {}
  const storage = new Proxy(memoryStorage(), {
    get(target, verb: keyof Storage) {
      calls[verb] = (calls[verb] ?? 0) + 1
      return target[verb].bind(target)
    },
  })
  return { storage, calls }
}

test('authorize(): the calls that follow do not read the app again', async () => {
  const { storage, calls } = counting()
  const { licensing } = await newShop({ storage })
  const { licensing: inApp, app: id } = await licensing.authorize('licenses:write', app)
  calls.findApp = 0
  await inApp.tiers.list(app)
  await inApp.customers.create(id ?? '', { email: 'eve@example.com' })
  assert.equal(calls.findApp, 0)
  assert.equal(await codeOf(inApp.tiers.list('other-app')), 'not_found')
})

test('authenticate(): renew() with the credential reads app, keys and license once', async () => {
  const { storage, calls } = counting()
  const { licensing, issue } = await newShop({ storage })
  const license = await issue()
  for (const verb of ['findApp', 'listSigningKeys', 'findLicense']) calls[verb] = 0
  const credential = await licensing.licenses.authenticate(app, license.token)
  const renewed = await licensing.licenses.renew(app, license.id, credential)
  assert.notEqual(renewed.jti, license.jti)
  assert.deepEqual([calls.findApp, calls.listSigningKeys, calls.findLicense], [1, 1, 1])
})

test('authenticate(): a forged, foreign or invalidated token is invalid_token, an unknown app not_found', async () => {
  const { licensing, issue } = await newShop()
  const { licenses } = licensing
  const { id, token } = await issue()
  await licenses.regenerate(app, id, { invalidatePrevious: true })
  await licensing.apps.create({ name: 'Other', slug: 'other-app' })
  const fresh = tokenOf(await licenses.get(app, id, { include: 'token' }))
  const calls = [
    licenses.authenticate(app, 'x'),
    licenses.authenticate(app, token),
    licenses.authenticate('other-app', fresh),
  ]
  const messages = await Promise.all(calls.map(async (call) => (await refusalOf(call)).message))
  assert.deepEqual(await tallyOf(calls), { invalid_token: 3 })
  assert.equal(new Set(messages).size, 1)
  assert.equal(await codeOf(licenses.authenticate('no-app', fresh)), 'not_found')
})

test('renew(): a credential is good for its own license and app only, and not after a revocation', async () => {
  const { licensing, issue, clock } = await newShop()
  const { licenses } = licensing
  const [license, other] = [await issue(), await issue({ durationDays: 1 })]
  await licensing.apps.create({ name: 'Other', slug: 'other-app' })
  const credential = await licenses.authenticate(app, license.token)
  assert.equal(await codeOf(licenses.renew(app, other.id, credential)), 'token_mismatch')
  assert.equal(await codeOf(licenses.renew('other-app', license.id, credential)), 'invalid_token')
  const expired = await licenses.authenticate(app, other.token)
  clock.seconds += day
  assert.equal(await codeOf(licenses.renew(app, other.id, expired)), 'token_expired')
  await licenses.revoke(app, license.id)
  assert.equal(await codeOf(licenses.renew(app, license.id, credential)), 'license_revoked')
})

test('renew(): of many credentials for one license, each renews it', async () => {
  const { licensing, issue } = await newShop()
  const { licenses } = licensing
  const { id, token } = await issue()
  const credentials = await Promise.all(Array.from({ length: 20 }, () => licenses.authenticate(app, token)))
  const renewed = await Promise.all(credentials.map((credential) => licenses.renew(app, id, credential)))
  assert.equal(new Set(renewed.map(({ jti }) => jti)).size, 20)
})
