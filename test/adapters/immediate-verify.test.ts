import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHttpService } from '../../src/adapters/http/service.ts'
import { handleRoute } from '../../src/adapters/http/handle.ts'
import { routes } from '../../src/adapters/routes/index.ts'
import { createLicensing, LicensingError, type Storage } from '../../src/core/index.ts'
import { immediateReadsOf } from '../../src/core/storage/immediate-reads.ts'
import { day, installation, masterKey } from '../support/fixtures.ts'
import { rawRequest, whileListening } from './listening.ts'
import { hasOneConnection, options, seenOf, withPair, type Pair } from './server-pair.ts'
import { requestTo } from './test-server.ts'

const base = '/apps/desktop-app/licenses/verify'
const id = installation(1)
const requestId = { 'x-request-id': 'request-1' }

const queries: readonly string[] = [
  `?installation_id=${id}`,
  `?installation_id=${id.toUpperCase()}`,
  `?installation_id=${id.replaceAll('-', '%2D')}`,
  `?installation%5Fid=${id}`,
  `?installation_id=${id}&`,
  `?installation_id=${id}&installation_id=${id}`,
  `?installation_id=${id}&jti=x`,
  `?installation_id=${id}&other=1`,
  `?installation_id=${id}#fragment`,
  `?installation_id=${id}%00`,
  `?installation_id=${id}+`,
  '?installation_id=',
  '?installation_id',
  '?installation_id=not-a-uuid',
  '?installationId=a',
  '?__proto__=a',
  '?constructor=a',
  '?jti=nothing',
  '?=',
  '?',
  '',
]

const asked: readonly (readonly [
  method: string,
  path: string,
  headers?: Readonly<Record<string, string>>,
])[] = [
  ...queries.map((query) => ['GET', base + query] as const),
  ['HEAD', `${base}?installation_id=${id}`],
  ['OPTIONS', base, { origin: 'https://shop.example', 'access-control-request-method': 'GET' }],
  ['GET', `${base}?installation_id=${id}`, { origin: 'https://shop.example', 'if-none-match': '*' }],
  ['GET', `${base}?installation_id=${id}`, { host: 'a/b' }],
  ['GET', `${base}/?installation_id=${id}`],
  ['GET', `/apps/desktop-app//licenses/verify?installation_id=${id}`],
  ['GET', `/apps/%64esktop-app/licenses/verify?installation_id=${id}`],
  ['GET', `/apps/no-app/licenses/verify?installation_id=${id}`],
  ['GET', `/apps/Desktop_App/licenses/verify?installation_id=${id}`],
  ['GET', `/apps/other-app/licenses/verify?installation_id=${id}`],
]

async function holdsBothEqual({ direct, general }: Pair, moment: string): Promise<void> {
  for (const [method, path, headers] of asked) {
    const ask = (): Request =>
      requestTo('http://localhost', method, path, { headers: { ...requestId, ...headers } })
    const [one, another] = [await seenOf(await direct(ask())), await seenOf(await general(ask()))]
    assert.deepEqual(one, another, `${moment}: ${method} ${path}`)
  }
}

/** Each changes the license of the first installation, and tells the status that verification then has. */
const moments: Readonly<Record<string, (pair: Pair, licenseId: string) => Promise<string>>> = {
  active: async () => 'active',
  'with features of its own': async ({ licensing }, licenseId) => {
    await licensing.licenses.update('desktop-app', licenseId, { customFeatures: ['beta', 'api_access'] })
    return 'active'
  },
  expired: async ({ clock }) => {
    clock.seconds += 30 * day
    return 'expired'
  },
  'with the clock set back': async ({ clock }) => {
    clock.seconds -= 10 * day
    return 'active'
  },
  revoked: async ({ licensing }, licenseId) => {
    await licensing.licenses.revoke('desktop-app', licenseId, { reason: 'chargeback' })
    return 'revoked'
  },
  'revoked by another process': async ({ other, clock }, licenseId) => {
    const otherProcess = await createLicensing({
      storage: other,
      masterKey,
      now: () => clock.seconds * 1000,
    })
    await otherProcess.licenses.revoke('desktop-app', licenseId, { reason: 'chargeback' })
    return 'revoked'
  },
  'while its customer is being deleted': async ({ storage, app, clock }, licenseId) => {
    const { customerId } = (await storage.findLicense(app.id, licenseId))!
    const deletion = { id: customerId, appId: app.id, kind: 'customer', startedAt: clock.seconds } as const
    assert.equal(await storage.beginDeletion(deletion, 0), 'begun')
    return 'not_found'
  },
  moved: async ({ licensing }, licenseId) => {
    await licensing.licenses.update('desktop-app', licenseId, { installationId: installation(9) })
    return 'not_found'
  },
  'after the app was deleted': async ({ licensing }) => {
    await licensing.apps.delete('desktop-app')
    return 'not_found'
  },
}

for (const [moment, change] of Object.entries(moments))
  test(`GET verify at once and by a promise: the same response, ${moment}`, async () => {
    await withPair(async (pair) => {
      await pair.licensing.apps.create({ name: 'Other', slug: 'other-app' })
      const license = await pair.issue({ installationId: id })
      const expected = await change(pair, license.id)
      await holdsBothEqual(pair, moment)
      const response = await pair.direct(
        requestTo('http://localhost', 'GET', `${base}?installation_id=${id}`),
      )
      const { data, error } = (await response.json()) as {
        data?: { status: string }
        error?: { code: string }
      }
      assert.equal(data?.status ?? error?.code, expected)
    })
  })

test('GET verify during the commit of another transaction: shows the state before it', async () => {
  await withPair(async (pair) => {
    const license = await pair.issue({ installationId: id })
    await pair.storage.transaction(async (tx) => {
      const patch = { revokedAt: pair.clock.seconds }
      const record = await tx.findLicense(pair.app.id, license.id)
      await tx.updateLicense(license.id, record!.version, patch)
      await holdsBothEqual(pair, 'open transaction')
      const verification = await pair.licensing.verification.verify('desktop-app', { installationId: id })
      assert.equal(verification.status, 'active')
    })
    const verification = await pair.licensing.verification.verify('desktop-app', { installationId: id })
    assert.equal(verification.status, 'revoked')
  })
})

test('GET verify beyond its limit: 429 in both ways, and the metrics count every response', async () => {
  await withPair(
    async ({ direct, general, issue }) => {
      await issue({ installationId: id })
      for (const fetch of [direct, general]) {
        const ask = (): Promise<Response> =>
          fetch(requestTo('http://localhost', 'GET', `${base}?installation_id=${id}`))
        const statuses = [(await ask()).status, (await ask()).status, (await ask()).status]
        assert.deepEqual(statuses, [200, 200, 429])
        const metrics = await (await fetch(new Request('http://localhost/metrics'))).text()
        const route = 'route="/api/v1/apps/:slug/licenses/verify"'
        assert.match(
          metrics,
          new RegExp(`heartwood_http_requests_total\\{method="GET",${route},status="200"\\} 2`),
        )
        assert.match(metrics, /heartwood_http_rate_limited_total\{limit="verify"\} 1/)
      }
    },
    { ...options, rateLimits: { verify: 2 } },
  )
})

test('GET verify on a closed storage: unavailable in both ways', async () => {
  await withPair(async (pair) => {
    await pair.issue({ installationId: id })
    await pair.storage.close()
    await holdsBothEqual(pair, 'closed')
    const verifyNow = pair.licensing.verification.verify('desktop-app', { installationId: id })
    await assert.rejects(
      verifyNow,
      (error) => error instanceof LicensingError && error.code === 'unavailable',
    )
  })
})

test('verify() in core: a reference with one name has the outcome of the same with an absent one', async () => {
  await withPair(async ({ licensing: { verification }, issue }) => {
    await issue({ installationId: id })
    const outcome = (reference: object): Promise<unknown> =>
      verification.verify('desktop-app', reference as { installationId: string }).catch((error: unknown) => {
        const { code, message, details } = error as LicensingError
        return { code, message, details }
      })
    for (const installationId of [
      id,
      id.toUpperCase(),
      installation(2),
      '',
      'a',
      ` ${id}`,
      1,
      null,
      [id],
      {},
    ])
      assert.deepEqual(
        await outcome({ installationId }),
        await outcome({ installationId, jti: undefined }),
        String(installationId),
      )
  })
})

test('GET verify over a port: the bytes are the same in both ways', async () => {
  await withPair(async (pair) => {
    await pair.issue({ installationId: id })
    const received: string[] = []
    for (const fetch of [pair.direct, pair.general])
      await whileListening({ fetch }, async ({ exchange }) => {
        const line = `GET /api/v1${base}?installation_id=${id}`
        received.push(await exchange(rawRequest(line, ['X-Request-Id: request-1'])))
      })
    const [one, another] = received.map((text) => text.replace(/;t=\d+|\r\ndate: [^\r]*/gi, ''))
    assert.match(one!, /^HTTP\/1.1 200 /)
    assert.equal(one, another)
  })
})

test('GET verify at once: no promise, unless somebody wraps the storage', async () => {
  await withPair(async ({ licensing, storage, issue, clock }) => {
    await issue({ installationId: id })
    assert.equal(immediateReadsOf(storage) === undefined, await hasOneConnection())
    if (await hasOneConnection()) return
    const route = routes.find(({ operationId }) => operationId === 'verifyLicense')!
    const wrapper = Object.create(storage) as Storage
    const calls: string[] = []
    wrapper.findCurrentLicense = async (app, installationId) => {
      calls.push(app)
      return storage.findCurrentLicense(app, installationId)
    }
    const wrapped = await createLicensing({ storage: wrapper, masterKey, now: () => clock.seconds * 1000 })
    const [direct, general] = [licensing, wrapped].map((each) =>
      handleRoute(
        createHttpService(each, {}),
        route,
        requestTo('http://localhost', 'GET', `${base}?installation_id=${id}`),
        { slug: 'desktop-app' },
      ),
    )
    assert.ok(direct instanceof Response)
    assert.ok(general instanceof Promise)
    assert.equal((await general).status, 200)
    assert.deepEqual(calls, ['desktop-app'])
  })
})
