import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DashboardUser } from '../../../src/adapters/elysia.ts'
import { newDesk, type Desk } from './visitor.ts'

const ana: DashboardUser = { id: 'staff-17', name: 'Ana', scopes: null, apps: null, mode: 'live' }
const apps = '/api/v1/apps'

/** A desk whose host knows everybody with a cookie of its own. */
function deskOf(user: unknown): Promise<Desk> {
  return newDesk({
    dashboard: {
      authenticate: (request) =>
        request.headers.get('cookie') === 'host=ana' ? (user as DashboardUser) : null,
    },
  })
}

const headers = { cookie: 'host=ana' }

describe('a dashboard whose host signs people in', () => {
  test('knows the people of the host, and sets no cookie', async () => {
    const desk = await deskOf(ana)
    const visitor = desk.visitor()
    const stranger = await visitor.send('GET', '/dashboard/session')
    assert.deepEqual(stranger.json.data, { person: null, sign_in: 'host' })
    const { json } = await visitor.send('GET', '/dashboard/session', { headers })
    assert.deepEqual(
      [json.data.person.name, json.data.person.scopes, json.data.person.expires_at, json.data.sign_in],
      ['Ana', null, null, 'host'],
    )
    assert.equal((await visitor.send('GET', apps, { headers })).status, 200)
    assert.equal((await visitor.send('GET', apps)).status, 401)
    assert.equal(visitor.lastSetCookie, '')
  })

  test('names the person in the audit log', async () => {
    const desk = await deskOf(ana)
    const { id } = await desk.issue()
    const path = `${apps}/desktop-app/licenses/${id}/revoke`
    assert.equal((await desk.visitor().send('POST', path, { headers, body: {} })).status, 200)
    const { data } = await desk.licensing.audit.list('desktop-app', { target: id })
    assert.deepEqual(data[0]?.actor, { type: 'user', id: 'staff-17', label: 'Ana' })
  })

  test('takes neither a key nor a link, and a session of another server is nobody', async () => {
    const desk = await deskOf(ana)
    const { status, headers: answered } = await desk.visitor().signIn(desk.full.secret)
    assert.deepEqual([status, answered.get('allow')], [405, 'GET, HEAD'])
    const visitor = (await newDesk()).visitor()
    const session = await desk.licensing.sessions.begin(desk.full.secret, 'loopback')
    const cookie = `heartwood-${desk.licensing.sessions.name}=${session?.text}`
    assert.ok(session)
    assert.equal((await visitor.send('GET', apps, { headers: { cookie } })).status, 200)
    assert.equal((await desk.visitor().send('GET', apps, { headers: { cookie } })).status, 401)
  })

  test('gives people the rights and the apps that the host names', async () => {
    const desk = await deskOf({ ...ana, scopes: ['catalogue:read', 'licenses:read'], apps: ['other-app'] })
    await desk.licensing.apps.create({ name: 'Other', slug: 'other-app' })
    const visitor = desk.visitor()
    const send = (method: string, path: string) =>
      visitor.send(method, path, { headers, ...(method === 'POST' && { body: {} }) })
    const { json } = await send('GET', apps)
    assert.deepEqual(
      json.data.map(({ slug }: { slug: string }) => slug),
      ['other-app'],
    )
    assert.equal((await send('GET', `${apps}/other-app/licenses`)).status, 200)
    assert.equal((await send('GET', `${apps}/desktop-app`)).json.error?.code, 'not_found')
    for (const path of [apps, '/api/v1/api-keys', `${apps}/other-app/rotate-keys`])
      assert.equal((await send('POST', path)).json.error?.code, 'forbidden', path)
  })

  test('no list, no search, no diagnosis and no log shows a person an app that the host does not name', async () => {
    const desk = await deskOf({ ...ana, apps: ['other-app'] })
    await desk.licensing.apps.create({ name: 'Other', slug: 'other-app' })
    const { id, installationId, token } = await desk.issue()
    const visitor = desk.visitor()
    const search = async (q: string): Promise<unknown> =>
      (await visitor.send('GET', `/api/v1/search?q=${q}`, { headers })).json.data
    for (const q of [id, installationId, desk.customer.id, 'ada', 'desktop-app', 'pro'])
      assert.deepEqual(await search(q), [], q)
    assert.equal(((await search('other-app')) as object[]).length, 1)
    for (const text of [id, installationId, token, 'ada@example.com']) {
      const { status, text: answer } = await visitor.send('POST', '/api/v1/diagnose', {
        headers,
        body: { text },
      })
      assert.equal(status, 200)
      assert.equal(answer.includes('"app":"desktop-app"'), false, answer)
      assert.equal(answer.includes(`"license_id":"${id}"`), false, answer)
    }
    for (const path of [
      '/api/v1/audit',
      '/api/v1/status',
      `${apps}/desktop-app/audit`,
      `${apps}/desktop-app/stats`,
    ])
      assert.ok([403, 404].includes((await visitor.send('GET', path, { headers })).status), path)
    assert.equal((await visitor.send('GET', `${apps}/other-app/audit`, { headers })).status, 200)
  })

  test('a person with some apps and all rights neither makes apps nor manages keys', async () => {
    const visitor = (await deskOf({ ...ana, apps: ['desktop-app'] })).visitor()
    for (const path of [apps, '/api/v1/api-keys']) {
      const { json } = await visitor.send('POST', path, { headers, body: { name: 'x', slug: 'x' } })
      assert.equal(json.error?.code, 'forbidden', path)
    }
  })

  test('the audit log names the person of the host, with the id that the host gave', async () => {
    const desk = await deskOf(ana)
    const { id } = await desk.issue()
    const visitor = desk.visitor()
    const path = `${apps}/desktop-app/licenses/${id}/revoke`
    assert.equal((await visitor.send('POST', path, { headers, body: {} })).status, 200)
    const { json } = await visitor.send('GET', `${apps}/desktop-app/audit?actor=staff-17`, { headers })
    assert.deepEqual(
      json.data.map(({ action, actor }: { action: string; actor: object }) => [action, actor]),
      [['license.revoked', { type: 'user', id: 'staff-17', label: 'Ana' }]],
    )
  })

  test('a person with some apps learns nothing of others from log, search and diagnosis', async () => {
    const desk = await deskOf({ ...ana, apps: ['other-app'] })
    const { id } = await desk.issue()
    await desk.licensing.apps.create({ name: 'Other', slug: 'other-app' })
    const send = async (method: string, path: string, body?: object) =>
      (await desk.visitor().send(method, `/api/v1${path}`, { headers, ...(body && { body }) })).json
    assert.equal((await send('GET', '/audit')).error?.code, 'forbidden')
    assert.equal((await send('GET', '/apps/desktop-app/audit')).error?.code, 'not_found')
    assert.equal((await send('GET', '/apps/other-app/audit')).data.length, 1)
    for (const text of [id, 'ada@example.com', 'pro'])
      assert.deepEqual((await send('GET', `/search?q=${text}`)).data, [], text)
    for (const text of [id, 'ada@example.com']) {
      const { candidates, license_id } = (await send('POST', '/diagnose', { text })).data
      assert.deepEqual([candidates, license_id], [[], null], text)
    }
    assert.equal((await send('GET', '/search?q=other-app')).data.length, 1)
  })

  test('refuses what another page sends with the cookie of the host', async () => {
    const desk = await deskOf(ana)
    const { id } = await desk.issue()
    const { status } = await desk.visitor().send('POST', `${apps}/desktop-app/licenses/${id}/revoke`, {
      headers: { ...headers, 'sec-fetch-site': 'same-site', origin: 'http://localhost:81' },
      body: {},
    })
    assert.equal(status, 403)
    assert.equal((await desk.licensing.licenses.get('desktop-app', id)).status, 'active')
  })

  const malformed: Readonly<Record<string, unknown>> = {
    'without scopes': { id: 'a', name: null, apps: null, mode: 'live' },
    'without apps': { id: 'a', name: null, scopes: null, mode: 'live' },
    'with an unknown scope': { ...ana, scopes: ['licenses:all'] },
    'with a mode of its own': { ...ana, mode: 'staging' },
    'with an empty id': { ...ana, id: '' },
    'with an id of half a character': { ...ana, id: '\ud800' },
    'with a name that is too long': { ...ana, name: 'x'.repeat(256) },
  }
  for (const [name, user] of Object.entries(malformed))
    test(`a person ${name}: 500, and no right at all`, async () => {
      const { status, json } = await (await deskOf(user)).visitor().send('GET', apps, { headers })
      assert.deepEqual([status, json.error?.code], [500, 'internal_error'])
    })

  for (const dashboard of ['yes', 1, { authenticate: 'x' }, { other: true }])
    test(`the option ${JSON.stringify(dashboard)}: a TypeError that names it`, async () => {
      await assert.rejects(newDesk({ dashboard: dashboard as never }), /TypeError: dashboard/)
    })
})
