import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { licensingServer } from '../../../src/adapters/elysia.ts'
import { createLicensing } from '../../../src/core/index.ts'
import { masterKey, otherMasterKey, start, tokenOf } from '../../support/fixtures.ts'
import { afar, here, newDesk, Visitor, type Desk } from './visitor.ts'

const apps = '/api/v1/apps'
const licenses = `${apps}/desktop-app/licenses`

/** Signs in with the key of all rights. */
async function signedIn(desk: Desk, origin = here): Promise<Visitor> {
  const visitor = desk.visitor(origin)
  assert.equal((await visitor.signIn(desk.full.secret)).status, 200)
  return visitor
}

async function isIn(visitor: Visitor): Promise<boolean> {
  const { status } = await visitor.send('GET', apps)
  assert.ok([200, 401].includes(status), `${status}`)
  return status === 200
}

describe('the sign-in of the dashboard', () => {
  test('a key signs in, and the response tells who it is', async () => {
    const desk = await newDesk()
    const visitor = desk.visitor()
    assert.equal(await visitor.id(), null)
    const { status, json, text } = await visitor.signIn(` ${desk.support.secret}\n`)
    assert.equal(status, 200)
    const { person, sign_in: signIn } = json.data
    assert.equal(signIn, 'key')
    assert.deepEqual(
      [person.id, person.name, person.type, person.mode, person.apps],
      [desk.support.id, 'Ana, support', 'sk', 'live', null],
    )
    assert.ok(person.scopes.includes('licenses:write'))
    assert.equal(person.expires_at, '2026-01-23T22:00:00Z')
    assert.equal(text.includes(desk.support.secret), false)
    assert.equal(await visitor.id(), desk.support.id)
    assert.ok(await isIn(visitor))
  })

  test('the cookie is out of reach of scripts and of other sites, and over https of other hosts', async () => {
    const desk = await newDesk()
    const plain = await signedIn(desk)
    assert.match(
      plain.lastSetCookie,
      /^heartwood-[\w-]{12}=v1\.[\w.-]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
    )
    const secure = await signedIn(desk, afar)
    assert.match(
      secure.lastSetCookie,
      /^__Host-heartwood-[\w-]{12}=v1\.[\w.-]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
    )
  })

  const refusedOrigins = [
    'http://licenses.example.com',
    'http://10.0.0.4:4000',
    'http://localhost.evil.example',
    'null',
  ]
  for (const origin of refusedOrigins)
    test(`over plain http it is for this computer alone, and not for ${origin}`, async () => {
      const desk = await newDesk()
      const visitor = desk.visitor()
      const { status, json } = await visitor.signIn(desk.full.secret, { headers: { origin } })
      assert.deepEqual([status, json.error?.code], [403, 'forbidden'])
      assert.equal(visitor.cookies.size, 0)
    })

  const bad: Readonly<Record<string, (desk: Desk) => object>> = {
    'an unknown key': () => ({ key: 'sk_live_000000000000000000000000000000000000' }),
    'a malformed key': () => ({ key: 'x' }),
    'a cookie as a link': () => ({ link: 'v1.a.b.c' }),
    'an unknown link': () => ({ link: 'x' }),
  }
  for (const [name, credential] of Object.entries(bad))
    test(`${name}: 401, and no cookie`, async () => {
      const desk = await newDesk()
      const visitor = desk.visitor()
      const response = await visitor.send('POST', '/dashboard/session', { body: credential(desk) })
      assert.deepEqual([response.status, response.json.error?.code], [401, 'unauthorized'])
      assert.equal(visitor.cookies.size, 0)
    })

  for (const body of [{}, { key: 'a', link: 'b' }, { key: 1 }, { key: 'a', more: true }, []])
    test(`${JSON.stringify(body)} is no credential: 422 without the value`, async () => {
      const { status, json } = await (await newDesk()).visitor().send('POST', '/dashboard/session', { body })
      assert.deepEqual([status, json.error?.code], [422, 'validation_error'])
    })

  test('a guess counts against the limit of failed keys, and a working key never', async () => {
    const desk = await newDesk({ rateLimits: { failedKey: 3 } })
    const guess = async (): Promise<number> => (await desk.visitor().signIn('sk_live_x')).status
    const follow = async (): Promise<number> => (await desk.visitor().follow('x')).status
    assert.deepEqual([await guess(), await follow(), await guess(), await guess()], [401, 401, 401, 429])
    assert.equal(await follow(), 429)
    assert.equal((await desk.visitor().signIn(desk.full.secret)).status, 200)
  })

  test('a dashboard that is off has no path, and no cookie counts', async () => {
    const on = await newDesk()
    const visitor = await signedIn(on)
    for (const dashboard of [undefined, false] as const) {
      const app = licensingServer(on.licensing, {
        standalone: true,
        ...(dashboard === false && { dashboard }),
      })
      const off = new Visitor((request) => app.fetch(request), here)
      for (const [name, text] of visitor.cookies) off.cookies.set(name, text)
      assert.equal((await off.send('GET', apps)).status, 401)
      for (const path of ['/dashboard', '/dashboard/', '/dashboard/session', '/dashboard/main.js'])
        assert.equal((await off.send('GET', path)).json.error?.code, 'no_such_route', path)
    }
  })
})

describe('a session of the dashboard', () => {
  test('ends with its key, at the next request', async () => {
    const desk = await newDesk()
    const visitor = await signedIn(desk)
    assert.ok(await isIn(visitor))
    await desk.licensing.apiKeys.revoke(desk.full.id)
    assert.equal(await isIn(visitor), false)
    assert.equal(await visitor.id(), null)
  })

  test('ends when its key expires, and says so before', async () => {
    const desk = await newDesk()
    const { secret } = await desk.licensing.apiKeys.create({ expiresAt: start + 90 })
    const visitor = desk.visitor()
    assert.equal((await visitor.signIn(secret)).json.data.person.expires_at, '2026-01-23T10:01:30Z')
    assert.match(visitor.lastSetCookie, /Max-Age=90;/)
    desk.clock.seconds += 89
    assert.ok(await isIn(visitor))
    desk.clock.seconds += 1
    assert.equal(await isIn(visitor), false)
  })

  test('is over after 30 minutes of rest, and each request puts that off', async () => {
    const desk = await newDesk()
    const visitor = await signedIn(desk)
    for (let pause = 0; pause < 3; pause++) {
      desk.clock.seconds += 29 * 60
      assert.ok(await isIn(visitor))
    }
    desk.clock.seconds += 30 * 60
    assert.equal(await isIn(visitor), false)
  })

  test('is over after 12 hours, however busy the person is', async () => {
    const desk = await newDesk()
    const visitor = await signedIn(desk)
    for (let minutes = 0; minutes < 12 * 60 - 20; minutes += 20) {
      desk.clock.seconds += 20 * 60
      assert.ok(await isIn(visitor), `${minutes}`)
    }
    desk.clock.seconds += 20 * 60
    assert.equal(await isIn(visitor), false)
  })

  test('ends at the sign-out, and a copy of its cookie with it', async () => {
    const desk = await newDesk()
    const visitor = await signedIn(desk)
    const thief = desk.visitor()
    for (const [name, text] of visitor.cookies) thief.cookies.set(name, text)
    assert.ok(await isIn(thief))
    const { status, headers } = await visitor.send('DELETE', '/dashboard/session')
    assert.equal(status, 204)
    assert.match(headers.get('set-cookie') ?? '', /^heartwood-[\w-]+=; Max-Age=0; Path=\/; HttpOnly/)
    assert.equal(visitor.cookies.size, 0)
    assert.equal(await isIn(thief), false)
  })

  test('ends at the sign-out on another server too, and in every later text of it', async () => {
    const desk = await newDesk()
    const visitor = await signedIn(desk)
    const old = new Map(visitor.cookies)
    desk.clock.seconds += 120
    assert.ok(await isIn(visitor))
    assert.notDeepEqual(visitor.cookies, old)
    const other = licensingServer(
      await createLicensing({ storage: desk.storage, masterKey, now: () => desk.clock.seconds * 1000 }),
      {
        standalone: true,
        dashboard: true,
        clientAddress: () => null,
      },
    )
    await visitor.send('DELETE', '/dashboard/session')
    const elsewhere = new Visitor((request) => other.fetch(request), here)
    for (const [name, text] of old) elsewhere.cookies.set(name, text)
    assert.equal(await isIn(elsewhere), false)
  })

  test('of another master key is none', async () => {
    const [one, other] = [await newDesk(), await newDesk({}, { masterKey: otherMasterKey })]
    const visitor = await signedIn(one)
    const stranger = other.visitor()
    for (const [name, text] of visitor.cookies) stranger.cookies.set(name, text)
    assert.equal(await isIn(stranger), false)
  })

  test('of another server on the same host does not hide its own, because cookies do not know ports', async () => {
    const [one, other] = [await newDesk(), await newDesk({}, { masterKey: otherMasterKey })]
    const [at, elsewhere] = [await signedIn(one), await signedIn(other)]
    for (const [name, text] of at.cookies) elsewhere.cookies.set(name, text)
    for (const [name, text] of elsewhere.cookies) at.cookies.set(name, text)
    assert.equal(at.cookies.size, 2)
    assert.ok((await isIn(at)) && (await isIn(elsewhere)))
  })

  test('in a plain cookie counts on this computer alone, because other hosts of a site can set one', async () => {
    const desk = await newDesk()
    const [[name = '', text = ''] = []] = (await signedIn(desk)).cookies
    const victim = desk.visitor(afar)
    for (const planted of [name, `__Host-${name}`]) {
      victim.cookies.set(planted, text)
      assert.equal(await isIn(victim), false, planted)
    }
    const [[secureName = '', secureText = ''] = []] = (await signedIn(desk, afar)).cookies
    const local = desk.visitor()
    local.cookies.set(secureName.replace('__Host-', ''), secureText)
    assert.equal(await isIn(local), false)
  })

  test('has the rights of its key, and loses those that the key loses', async () => {
    const desk = await newDesk()
    const visitor = desk.visitor()
    await visitor.signIn(desk.support.secret)
    const { id } = await desk.issue()
    const revoked = await visitor.send('POST', `${licenses}/${id}/revoke`, { body: { reason: 'Refunded' } })
    assert.equal(revoked.status, 200)
    for (const [method, path] of [
      ['POST', `${apps}/desktop-app/rotate-keys`],
      ['DELETE', `${apps}/desktop-app`],
      ['POST', '/api/v1/api-keys'],
    ] as const)
      assert.equal((await visitor.send(method, path, { body: {} })).json.error?.code, 'forbidden', path)
  })

  test('does not count beside an Authorization header', async () => {
    const desk = await newDesk()
    const visitor = await signedIn(desk)
    for (const authorization of ['Bearer sk_live_x', 'Basic eA=='])
      assert.equal((await visitor.send('GET', apps, { headers: { authorization } })).status, 401)
  })

  test('does not count beside a token or a license key in the body', async () => {
    const desk = await newDesk()
    const visitor = await signedIn(desk)
    const [mine, other] = [await desk.issue(), await desk.issue()]
    const renew = (body: object): Promise<{ status: number }> =>
      visitor.send('POST', `${licenses}/${mine.id}/regenerate`, { body })
    assert.equal((await renew({ current_token: tokenOf(other) })).status, 400)
    assert.equal((await renew({ current_token: 'x' })).status, 401)
    assert.equal((await renew({ license_key: 'x' })).status, 401)
    assert.equal((await renew({})).status, 200)
    const release = (body: object): Promise<{ status: number }> =>
      visitor.send('POST', `${licenses}/${mine.id}/release`, { body })
    assert.equal((await release({ license_key: 'x' })).status, 401)
    assert.equal((await release({ current_token: 'x' })).status, 401)
    assert.equal((await release({})).status, 409)
  })

  test('never counts on a public route, which answers as it does to everybody', async () => {
    const desk = await newDesk()
    const visitor = await signedIn(desk)
    const { jti } = await desk.issue()
    desk.clock.seconds += 120
    const before = visitor.lastSetCookie
    for (const path of [`${apps}/desktop-app/public-key`, `${licenses}/verify?jti=${jti}`]) {
      const { status, headers } = await visitor.send('GET', path)
      assert.deepEqual([status, headers.get('access-control-allow-origin')], [200, '*'], path)
    }
    const posted = await visitor.send('POST', `${licenses}/verify`, {
      body: { token: 'x' },
      headers: { 'sec-fetch-site': 'cross-site' },
    })
    assert.equal(posted.status, 200)
    assert.equal(visitor.lastSetCookie, before)
  })

  test('shows in the last use of its key', async () => {
    const desk = await newDesk()
    const visitor = await signedIn(desk)
    desk.clock.seconds += 300
    await isIn(visitor)
    const { data } = await desk.licensing.apiKeys.list()
    assert.equal(data.find(({ id }) => id === desk.full.id)?.lastUsedAt, start + 300)
  })
})

describe('a request that another page sends with the cookie', () => {
  /** The headers of a browser, and if the request may change something. */
  const senders: Readonly<
    Record<string, readonly [headers: Readonly<Record<string, string>>, isAllowed: boolean]>
  > = {
    'the page itself': [{}, true],
    'the page, in a browser without Sec-Fetch-Site': [{ 'sec-fetch-site': '' }, true],
    'a page on another port': [{ 'sec-fetch-site': 'same-site', origin: 'http://localhost:81' }, false],
    'a page of another site': [{ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, false],
    'a link or a bookmark': [{ 'sec-fetch-site': 'none', origin: '' }, false],
    'another port, without Sec-Fetch-Site': [{ 'sec-fetch-site': '', origin: 'http://localhost:81' }, false],
    'another site, without Sec-Fetch-Site': [{ 'sec-fetch-site': '', origin: 'https://evil.example' }, false],
    'a sandboxed page': [{ 'sec-fetch-site': '', origin: 'null' }, false],
    'a client that says nothing': [{ 'sec-fetch-site': '', origin: '' }, false],
    'a page that claims our origin from another site': [{ 'sec-fetch-site': 'cross-site' }, false],
  }
  const acts = (
    id: string,
  ): Readonly<Record<string, readonly [method: string, path: string, body?: object]>> => ({
    'a change': ['PUT', `${licenses}/${id}`, { name: 'x' }],
    'a POST': ['POST', `${licenses}/${id}/revoke`, {}],
    'a regeneration': ['POST', `${licenses}/${id}/regenerate`, {}],
    'a deletion': ['DELETE', `${licenses}/${id}`],
    'a sign-out': ['DELETE', '/dashboard/session'],
  })
  for (const [name, [headers, isAllowed]] of Object.entries(senders))
    test(`${name}: ${isAllowed ? 'is taken' : 'is 403, and changes nothing'}`, async () => {
      const desk = await newDesk()
      for (const act of Object.keys(acts(''))) {
        const visitor = await signedIn(desk)
        const license = await desk.issue()
        const [method, path, body] = acts(license.id)[act]!
        const { status, json } = await visitor.send(method, path, { headers, ...(body && { body }) })
        if (isAllowed) {
          assert.ok(status < 300, `${act}: ${status}`)
          continue
        }
        assert.deepEqual([status, json.error?.code], [403, 'forbidden'], act)
        const now = await desk.licensing.licenses.get('desktop-app', license.id)
        assert.deepEqual([now.status, now.name, now.jti], ['active', null, license.jti], act)
        assert.ok(await isIn(visitor), act)
      }
    })

  test('an opaque origin is not that of a request without Host', async () => {
    const desk = await newDesk()
    const visitor = await signedIn(desk, 'https://licenses.example.com')
    const headers = { 'sec-fetch-site': '', origin: 'null', host: '' }
    assert.equal((await visitor.send('DELETE', '/dashboard/session', { headers })).status, 403)
  })

  test('a sign-in that another page sends is refused, so nobody is signed in as somebody else', async () => {
    const desk = await newDesk()
    for (const [name, [headers, isAllowed]] of Object.entries(senders)) {
      if (isAllowed) continue
      const visitor = desk.visitor()
      assert.equal((await visitor.signIn(desk.full.secret, { headers })).status, 403, name)
      assert.equal(visitor.cookies.size, 0, name)
    }
  })

  const types = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', '']
  for (const type of types)
    test(`a body of the type ${type || '(none)'}: 415, because a form could send it`, async () => {
      const desk = await newDesk()
      const visitor = await signedIn(desk)
      const { id } = await desk.issue()
      const body = new TextEncoder().encode('{}')
      for (const path of [`${licenses}/${id}/revoke`, `${licenses}/${id}/regenerate`, '/dashboard/session']) {
        const [name = '', text = ''] = [...visitor.cookies][0]!
        const headers: Record<string, string> = {
          cookie: `${name}=${text}`,
          host: 'localhost',
          origin: here,
          'sec-fetch-site': 'same-origin',
          ...(type !== '' && { 'content-type': type }),
        }
        const response = await desk.fetch(new Request(here + path, { method: 'POST', headers, body }))
        assert.equal(response.status, 415, path)
      }
      assert.equal((await desk.licensing.licenses.get('desktop-app', id)).status, 'active')
    })

  test('no response to another origin ever allows credentials', async () => {
    const origin = 'https://shop.example'
    const desk = await newDesk({ corsOrigins: [origin] })
    const visitor = await signedIn(desk)
    const headers = { origin, 'sec-fetch-site': 'cross-site' }
    const paths = [apps, `${apps}/desktop-app/jwks.json`, '/dashboard/session', '/dashboard']
    for (const path of paths)
      for (const method of ['GET', 'OPTIONS', 'POST']) {
        const response = await visitor.send(method, path, {
          headers: { ...headers, 'access-control-request-method': 'POST' },
          ...(method === 'POST' && { body: {} }),
        })
        assert.equal(response.headers.get('access-control-allow-credentials'), null, `${method} ${path}`)
      }
    const session = await visitor.send('GET', '/dashboard/session', { headers })
    assert.equal(session.headers.get('access-control-allow-origin'), null)
  })
})
