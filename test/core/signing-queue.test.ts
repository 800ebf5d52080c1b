import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SignedLicense } from '../../src/core/index.ts'
import { codeOf, installation, newShop, newWorld, tallyOf, tokenOf, type Shop } from '../support/fixtures.ts'

const narrow = { concurrency: 1, maxWaiting: 1 }

async function revisionOf({ storage, app }: Shop, { id }: SignedLicense): Promise<number | undefined> {
  return (await storage.findLicense(app.id, id))?.revision
}

/** Runs one call a license at the same time, and checks that no refusal changed anything. */
async function checkRefusals(
  shop: Shop,
  licenses: readonly SignedLicense[],
  call: (license: SignedLicense) => Promise<unknown>,
): Promise<void> {
  const before = await Promise.all(licenses.map(({ id }) => shop.storage.findLicense(shop.app.id, id)))
  const codes = await Promise.all(licenses.map((license) => codeOf(call(license))))
  assert.ok(codes.includes('ok') && codes.includes('unavailable'), codes.join())
  for (const [at, { id }] of licenses.entries()) {
    const after = await shop.storage.findLicense(shop.app.id, id)
    if (codes[at] === 'unavailable') assert.deepEqual(after, before[at], 'a refusal changes nothing')
    else assert.equal(codes[at], 'ok')
  }
}

async function narrowShop(): Promise<{ shop: Shop; licenses: readonly SignedLicense[] }> {
  const shop = await newShop({ signing: narrow })
  const licenses: SignedLicense[] = []
  for (let count = 0; count < 6; count++) licenses.push(await shop.issue())
  return { shop, licenses }
}

test('licenses.regenerate(): a full signing queue refuses it before it writes anything', async () => {
  const { shop, licenses } = await narrowShop()
  await checkRefusals(shop, licenses, ({ id }) => shop.licensing.licenses.regenerate('desktop-app', id))
})

test('licenses: a full signing queue refuses renew(), update() and reinstate() before they write', async () => {
  const { shop, licenses } = await narrowShop()
  const verbs = shop.licensing.licenses
  await checkRefusals(shop, licenses, ({ id, token }) => verbs.renew('desktop-app', id, token))
  await checkRefusals(shop, licenses, ({ id }) => verbs.update('desktop-app', id, { durationDays: 90 }))
  for (const { id } of licenses) await verbs.revoke('desktop-app', id)
  await checkRefusals(shop, licenses, ({ id }) => verbs.reinstate('desktop-app', id))
})

test('licenses.create(): a full signing queue issues nothing, and a later call succeeds', async () => {
  const shop = await newShop({ signing: narrow })
  const { ok = 0, unavailable = 0 } = await tallyOf(Array.from({ length: 6 }, () => shop.issue()))
  assert.equal(ok + unavailable, 6)
  assert.ok(unavailable > 0)
  assert.equal(await shop.storage.countLicenses({ appId: shop.app.id, now: shop.clock.seconds }), ok)
  assert.equal(await codeOf(shop.issue({ installationId: installation(99) })), 'ok')
})

test('licenses and verification: calls that sign nothing need no slot', async () => {
  const { shop, licenses } = await narrowShop()
  const { licensing } = shop
  const [first, ...others] = licenses as [SignedLicense, ...SignedLicense[]]
  await licensing.licenses.revoke('desktop-app', first.id)
  await Promise.all([
    ...others.map(({ id }) => codeOf(licensing.licenses.regenerate('desktop-app', id))),
    ...licenses.map(async ({ id, installationId }) => {
      await licensing.licenses.get('desktop-app', id)
      await licensing.verification.verify('desktop-app', { installationId })
      await licensing.verification.verifyToken('desktop-app', first.token)
    }),
  ])
})

test('signing: a long queue serves every caller, even one at a time', async () => {
  const shop = await newShop({ signing: { concurrency: 1 } })
  const licenses = await Promise.all(Array.from({ length: 30 }, () => shop.issue()))
  const again = licenses.map(({ id }) => shop.licensing.licenses.regenerate('desktop-app', id))
  const tokens = (await Promise.all(again)).map(tokenOf)
  assert.equal(new Set(tokens).size, 30)
  for (const license of licenses) assert.equal(await revisionOf(shop, license), 2)
})

test("signing: concurrency 'all' signs on all cores", async () => {
  const shop = await newShop({ signing: { concurrency: 'all' } })
  const licenses = await Promise.all(Array.from({ length: 10 }, () => shop.issue()))
  assert.equal(new Set(licenses.map(tokenOf)).size, 10)
})

test("licensing.with(): takes no slot inside a host's transaction, and needs none", async () => {
  const { shop, licenses } = await narrowShop()
  const { licenses: lent } = shop.licensing.with(shop.storage)
  const calls = licenses.map(({ id }) => lent.regenerate('desktop-app', id))
  assert.deepEqual(
    (await Promise.all(calls)).map(({ token }) => token),
    licenses.map(() => null),
  )
})

test('createLicensing(): refuses signing options out of range', async () => {
  const useless = [{ concurrency: 0 }, { concurrency: 1.5 }, { concurrency: Number.NaN }, { maxWaiting: -1 }]
  for (const signing of useless) await assert.rejects(newShop({ signing }), /^TypeError: signing\./)
})

test('signing: by default one core stays free and 500 callers a signature may wait', async () => {
  const cores = navigator.hardwareConcurrency
  const spared = Math.max(1, cores - 1)
  const cases = [
    [undefined, spared * 501],
    [{}, spared * 501],
    [{ concurrency: 2 }, 1_002],
    [{ concurrency: 3, maxWaiting: 0 }, 3],
    [{ maxWaiting: 7 }, spared + 7],
    [{ concurrency: 'all' }, 4 * cores * 501],
  ] as const
  for (const [signing, places] of cases) {
    const { licensing } = await newWorld(signing && { signing })
    assert.equal(licensing.load().signing.places, places, JSON.stringify(signing))
  }
  for (const signing of [{ concurrency: 2 ** 60 }, { maxWaiting: 0.5 }, { maxWaiting: Number.NaN }])
    await assert.rejects(newWorld({ signing }), { name: 'TypeError' })
})
