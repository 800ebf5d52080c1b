import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { base64url } from 'jose'
import { codeOf, newWorld, refusalOf } from '../support/fixtures.ts'
import { newShopServer } from './test-server.ts'

const licenses = '/apps/desktop-app/licenses'

/** 128 bits in the form of a TypeID that are no UUID by RFC 9562. */
const suffixes: Readonly<Record<string, string>> = {
  'no version': '00000000000000000000000001',
  'version 9': '01kfgt0000j008000000000001',
  'another variant': '01kfgt0000e00g000000000001',
  'all zeros': '00000000000000000000000000',
  'all ones': '7zzzzzzzzzzzzzzzzzzzzzzzzz',
}

/** The same as UUIDs. */
const uuids = [
  '00000000-0000-0000-0000-000000000001',
  '019be1a0-0000-9000-8000-000000000001',
  '019be1a0-0000-7000-c000-000000000001',
]

describe('ids that are no UUID (RFC 9562)', () => {
  for (const [what, suffix] of Object.entries(suffixes))
    test(`${what}: not_found as jti and in a path, and 422 as a cursor`, async () => {
      const { send, keys, licensing } = await newShopServer()
      const id = `lic_${suffix}`
      const jti = id + 'a'.repeat(32)
      const verify = await send('GET', `${licenses}/verify?jti=${jti}`)
      assert.deepEqual([verify.status, verify.error().code], [404, 'not_found'])
      for (const [method, path] of [
        ['GET', ''],
        ['PUT', ''],
        ['DELETE', ''],
        ['POST', '/revoke'],
        ['POST', '/regenerate'],
      ] as const) {
        const { status } = await send(method, `${licenses}/${id}${path}`, { key: keys.sk })
        assert.equal(status, 404, `${method} ${path}`)
      }
      const cursor = base64url.encode(JSON.stringify([id]))
      const list = await send('GET', `${licenses}?cursor=${cursor}`, { key: keys.sk })
      assert.deepEqual(Object.keys(list.error().details ?? {}), ['cursor'])
      assert.equal(await codeOf(licensing.licenses.get('desktop-app', id)), 'not_found')
      assert.equal(await codeOf(licensing.verification.verify('desktop-app', { jti })), 'not_found')
    })

  test('in a batch: not_found for each, and the others are verified', async () => {
    const { send, issue } = await newShopServer()
    const good = (await issue()).jti
    const jtis = Object.values(suffixes).map((suffix) => `lic_${suffix}${'a'.repeat(32)}`)
    const { results } = (
      await send('POST', `${licenses}/verify/batch`, { body: { jtis: [good, ...jtis] } })
    ).data<{
      results: Record<string, { valid: boolean; status: string }>
    }>()
    assert.equal(results[good]?.valid, true)
    for (const jti of jtis) assert.deepEqual(results[jti], { valid: false, status: 'not_found' })
  })

  test('as UUIDs in a path: not_found', async () => {
    const { send, keys } = await newShopServer()
    for (const uuid of uuids)
      assert.equal((await send('GET', `${licenses}/${uuid}`, { key: keys.sk })).status, 404, uuid)
  })

  test('of a stored license: its list shows it, and its installation can be verified', async () => {
    const { licensing, storage, issue, app } = await newShopServer()
    const known = await issue()
    const record = await storage.findLicense(app.id, known.id)
    const installationId = crypto.randomUUID()
    await storage.insertLicense({ ...record!, id: `lic_${suffixes['no version']}`, installationId })
    const { data } = await licensing.licenses.list('desktop-app', { include: 'token' })
    assert.deepEqual(
      data.map(({ id }) => id).toSorted(),
      [`lic_${suffixes['no version']}`, known.id].toSorted(),
    )
    const { valid } = await licensing.verification.verify('desktop-app', { installationId })
    assert.equal(valid, true)
  })

  test('of newId: refused before anything is stored', async () => {
    for (const id of [
      ...Object.values(suffixes).map((suffix) => `app_${suffix}`),
      'app_1',
      'lic_01h2xcejqtf2nbrexx3vqjhp41',
    ]) {
      const { licensing } = await newWorld({ newId: () => id })
      await assert.rejects(licensing.apps.create({ name: 'A', slug: 'a' }), TypeError)
      assert.equal((await licensing.apps.list()).total, 0)
    }
  })

  test('of a slug: refused, because it looks like an id', async () => {
    const { licensing } = await newShopServer()
    for (const slug of Object.values(suffixes).map((suffix) => `tier_${suffix}`)) {
      const { details } = await refusalOf(licensing.tiers.create('desktop-app', { name: 'T', slug }))
      assert.deepEqual(Object.keys(details ?? {}), ['slug'])
    }
  })
})
