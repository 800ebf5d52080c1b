import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Storage } from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { codeOf, newShop, newWorld, type Shop } from '../support/fixtures.ts'
import { testKeyPairs } from '../support/keys.ts'

const slug = 'desktop-app'
const broken = 'v1.no.sealed.text'

/** A storage that can go back to the records of an app as they were, with a sealed secret that opens no more. */
interface TimeMachine {
  readonly storage: Storage
  /** Runs before the next look-up of an active key returns what it has read. */
  beforeNextKey(work: () => Promise<unknown>): void
  /** Remembers the app with its active key and the license. The license gets a token that nobody has signed yet. */
  remember(shop: Shop, licenseId: string): Promise<void>
  goBack(secret: 'privateKey' | 'tokenSecret'): void
}

function timeMachine(): TimeMachine {
  const present = memoryStorage()
  let past: Partial<Storage> = {}
  let withBroken = (_secret: 'privateKey' | 'tokenSecret'): Partial<Storage> => ({})
  let pending: (() => Promise<unknown>) | null = null
  const storage: Storage = {
    ...present,
    findApp: (app) => (past.findApp ?? present.findApp)(app),
    findLicense: (app, id) => (past.findLicense ?? present.findLicense)(app, id),
    async findActiveKey(app) {
      const key = await (past.findActiveKey ?? present.findActiveKey)(app)
      const work = pending
      pending = null
      await work?.()
      return key
    },
  }
  return {
    storage,
    beforeNextKey: (work) => void (pending = work),
    async remember({ app: { id } }, licenseId) {
      const app = (await present.findApp(id))!
      const key = (await present.findActiveKey(id))!
      const license = (await present.findLicense(id, licenseId))!
      withBroken = (secret) => ({
        findApp: async () => (secret === 'tokenSecret' ? { ...app, tokenSecret: broken } : app),
        findActiveKey: async () => (secret === 'privateKey' ? { ...key, privateKey: broken } : key),
        findLicense: async () => ({ ...license, revision: license.revision + 9 }),
      })
    },
    goBack: (secret) => void (past = withBroken(secret)),
  }
}

/** Licensing that has signed with the app's key, with the sealed secrets in its past. */
async function signedOnce(): Promise<{ shop: Shop; id: string; machine: TimeMachine }> {
  const machine = timeMachine()
  const shop = await newShop({ storage: machine.storage })
  const { id } = await shop.issue()
  await machine.remember(shop, id)
  return { shop, id, machine }
}

const endings: Readonly<Record<string, (shop: Shop) => Promise<unknown>>> = {
  rotateKeys: ({ licensing }) => licensing.rotateKeys(slug),
  'rotateKeys with a grace period': ({ licensing }) => licensing.rotateKeys(slug, { gracePeriodDays: 1 }),
  'apps.delete': ({ licensing }) => licensing.apps.delete(slug),
}

for (const secret of ['privateKey', 'tokenSecret'] as const)
  test(`licenses.token(): signs from memory, so a broken ${secret} in the storage does no harm`, async () => {
    const { shop, id, machine } = await signedOnce()
    machine.goBack(secret)
    assert.equal(await codeOf(shop.licensing.licenses.token(slug, id)), 'ok')
  })

for (const [name, end] of Object.entries(endings))
  test(`${name}(): the old private key is in memory no more`, async () => {
    const { shop, id, machine } = await signedOnce()
    await end(shop)
    machine.goBack('privateKey')
    assert.equal(await codeOf(shop.licensing.licenses.token(slug, id)), 'master_key')
  })

test("apps.delete(): the app's token secret is in memory no more", async () => {
  const { shop, id, machine } = await signedOnce()
  await shop.licensing.apps.delete(slug)
  machine.goBack('tokenSecret')
  assert.equal(await codeOf(shop.licensing.licenses.token(slug, id)), 'master_key')
})

for (const [name, end] of Object.entries(endings))
  test(`${name}(): a signature under way does not bring the old private key back`, async () => {
    const { shop, id, machine } = await signedOnce()
    // A server that has signed nothing yet reads the key before it signs.
    const newKeyPair = async () => testKeyPairs.at(-1)!
    const { licensing } = await newWorld({ storage: machine.storage, newKeyPair })
    machine.beforeNextKey(() => end({ ...shop, licensing }))
    const outcome = await codeOf(licensing.licenses.regenerate(slug, id))
    assert.equal(outcome, name === 'apps.delete' ? 'not_found' : 'ok')
    machine.goBack('privateKey')
    assert.equal(await codeOf(licensing.licenses.token(slug, id)), 'master_key')
  })
