import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { licensingServer } from '../../../src/adapters/elysia.ts'
import { createLicensing, type Storage } from '../../../src/core/index.ts'
import { masterKey } from '../../support/fixtures.ts'
import { dump } from '../../support/dump.ts'
import { storages } from '../test-server.ts'
import { afar, here, linkOf, newDesk, Visitor, type Desk } from './visitor.ts'

async function linkFor(desk: Desk, id = desk.full.id): Promise<string> {
  return linkOf(await desk.licensing.apiKeys.invite(id))
}

async function statusOf(desk: Desk, link: string): Promise<number> {
  return (await desk.visitor().follow(link)).status
}

/** A second server on the same storage. */
async function secondServer(storage: Storage, clock: { seconds: number }): Promise<Visitor> {
  const licensing = await createLicensing({ storage, masterKey, now: () => clock.seconds * 1000 })
  const app = licensingServer(licensing, { standalone: true, dashboard: true, clientAddress: () => null })
  return new Visitor((request) => app.fetch(request), here)
}

describe('a link that signs in', () => {
  test('works once, with the rights of its key', async () => {
    const desk = await newDesk()
    const link = await linkFor(desk, desk.support.id)
    const visitor = desk.visitor()
    const { status, json } = await visitor.follow(link)
    assert.deepEqual([status, json.data.person.name], [200, 'Ana, support'])
    assert.equal(await visitor.id(), desk.support.id)
    const again = await desk.visitor().follow(link)
    assert.deepEqual([again.status, again.json.error?.code], [401, 'unauthorized'])
    assert.equal(again.text.includes(link), false)
  })

  for (const [name, use] of storages)
    test(`on ${name}: of many who follow it on two servers at the same time, one gets in`, () =>
      use(async (storage) => {
        const desk = await newDesk({}, { storage })
        const link = await linkFor(desk)
        const visitors = [desk.visitor(), await secondServer(storage, desk.clock)]
        const followed = Array.from({ length: 10 }, (_, at) => visitors[at % 2]!.follow(link))
        const statuses = (await Promise.all(followed)).map(({ status }) => status)
        assert.deepEqual(statuses.toSorted(), [200, ...Array<number>(9).fill(401)])
      }))

  test('lives for ten minutes, and stays used for as long as a clock that is behind could take it', async () => {
    const desk = await newDesk()
    const [early, late] = [await linkFor(desk), await linkFor(desk)]
    desk.clock.seconds += 599
    assert.equal(await statusOf(desk, early), 200)
    const behind = await secondServer(desk.storage, { seconds: desk.clock.seconds - 300 })
    desk.clock.seconds += 1
    assert.equal(await statusOf(desk, late), 401)
    assert.equal((await behind.follow(early)).status, 401)
  })

  test('dies with its key', async () => {
    const desk = await newDesk()
    const link = await linkFor(desk)
    await desk.licensing.apiKeys.revoke(desk.full.id)
    assert.equal(await statusOf(desk, link), 401)
  })

  test('is no cookie, and a cookie is no link', async () => {
    const desk = await newDesk()
    const visitor = desk.visitor()
    await visitor.signIn(desk.full.secret)
    const [[name = '', text = ''] = []] = visitor.cookies
    assert.equal(await statusOf(desk, text), 401)
    const stranger = desk.visitor()
    stranger.cookies.set(name, await linkFor(desk))
    assert.equal((await stranger.send('GET', '/api/v1/apps')).status, 401)
  })

  test('leaves neither itself nor a session in the storage', async () => {
    const desk = await newDesk()
    const link = await linkFor(desk)
    const visitor = desk.visitor()
    await visitor.follow(link)
    const [[, text = ''] = []] = visitor.cookies
    await visitor.send('DELETE', '/dashboard/session')
    const stored = await dump(desk.storage)
    for (const secret of [link, text]) assert.equal(stored.includes(secret), false)
    assert.equal((await desk.storage.listStoredResponses({ limit: 9 })).length, 2)
  })
})

describe('POST /api-keys/:id/invite', () => {
  const invite = (desk: Desk, id: string, key: string): Promise<Response> =>
    desk.fetch(
      new Request(`${here}/api/v1/api-keys/${id}/invite`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, host: 'evil.example' },
      }),
    )

  async function urlOf(response: Response): Promise<string> {
    const { data } = (await response.json()) as { data: { url: string; expires_at: string } }
    assert.equal(data.expires_at, '2026-01-23T10:10:00Z')
    return data.url
  }

  test('the link begins with the public address, and never with Host', async () => {
    const desk = await newDesk({ publicUrl: `${afar}/x/` })
    const response = await invite(desk, desk.support.id, desk.full.secret)
    assert.equal(response.status, 201)
    const url = await urlOf(response)
    assert.ok(url.startsWith(`${afar}/x/dashboard#/in/`), url)
    assert.equal(await statusOf(desk, linkOf({ url })), 200)
  })

  test('without a public address the link is relative, and right under every prefix', async () => {
    const desk = await newDesk()
    const url = await urlOf(await invite(desk, desk.support.id, desk.full.secret))
    for (const prefix of ['', '/x', '/a/b']) {
      const from = `${afar}${prefix}/api/v1/api-keys/key_1/invite`
      const { origin, pathname, hash } = new URL(url, from)
      assert.equal(`${origin}${pathname}`, `${afar}${prefix}/dashboard`)
      assert.match(hash, /^#\/in\/v1\./)
    }
  })

  test('no key invites one that may do more than itself', async () => {
    const desk = await newDesk()
    const { apiKeys } = desk.licensing
    const manager = await apiKeys.create({ scopes: ['keys:write', 'licenses:read'] })
    const reader = await apiKeys.create({ scopes: ['licenses:read'] })
    const testKey = await apiKeys.create({ mode: 'test' })
    const cases = [
      [manager.secret, reader.id, 201],
      [manager.secret, desk.support.id, 404],
      [manager.secret, desk.full.id, 404],
      [desk.support.secret, reader.id, 403],
      [testKey.secret, desk.full.id, 404],
      [desk.full.secret, testKey.id, 201],
    ] as const
    for (const [secret, id, status] of cases)
      assert.equal((await invite(desk, id, secret)).status, status, id)
  })

  test('a revoked key, and a server where nobody can use the link: 409', async () => {
    const desk = await newDesk()
    await desk.licensing.apiKeys.revoke(desk.support.id)
    assert.equal((await invite(desk, desk.support.id, desk.full.secret)).status, 409)
    for (const dashboard of [false, { authenticate: () => null }]) {
      const other = await newDesk({ dashboard })
      assert.equal((await invite(other, other.support.id, other.full.secret)).status, 409)
    }
  })
})
