import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { configure, reset, type LoggerConfig, type LogRecord } from '@logtape/logtape'
import { licensingServer, type ServerOptions } from '../../src/adapters/elysia.ts'
import { apiKeySecret } from '../../src/core/api-keys/secret.ts'
import { forge } from '../support/tokens.ts'
import { testKeyPairs } from '../support/keys.ts'
import { newShop } from '../support/fixtures.ts'
import type { TestResponse } from './openapi-checker.ts'
import { serve, type Send, type Sent, type TestServer } from './test-server.ts'

const verify = '/apps/desktop-app/licenses/verify?jti=x'
const batch = '/apps/desktop-app/licenses/verify/batch'

/** A server that reads the socket address from a header, because these tests have no socket. */
async function limited(
  options: ServerOptions = { rateLimits: {} },
): Promise<TestServer & Awaited<ReturnType<typeof newShop>>> {
  const clientAddress = (request: Request): string => request.headers.get('x-socket') ?? '192.0.2.1'
  return serve(await newShop(), { clientAddress, ...options })
}

const from = (address: string, more: Record<string, string> = {}): Sent => ({
  headers: { 'x-socket': address, ...more },
})

/** Sends until a 429, at most `most` times. Resolves to the number of accepted requests and the 429. */
async function exhaust(
  call: () => Promise<TestResponse>,
  most = 400,
): Promise<readonly [passed: number, refusal: TestResponse]> {
  for (let passed = 0; passed < most; passed++) {
    const response = await call()
    if (response.status === 429) return [passed, response]
  }
  return assert.fail(`${most} requests were accepted`)
}

async function left(send: Send, address: string, more: Record<string, string> = {}): Promise<number> {
  const header = (await send('GET', verify, from(address, more))).headers.get('ratelimit') ?? ''
  return Number(/;r=(\d+);/.exec(header)?.[1])
}

/** Collects the log, as level and text, until the test ends. */
async function logged(t: TestContext): Promise<readonly string[]> {
  const lines: string[] = []
  const write = ({ level, message }: LogRecord): void => void lines.push(`${level} ${message.join('')}`)
  const loggers = [
    { category: 'heartwood', sinks: ['write'] },
    { category: ['logtape', 'meta'], lowestLevel: 'error' },
  ]
  await configure({ reset: true, sinks: { write }, loggers: loggers as LoggerConfig<'write', string>[] })
  t.after(() => reset())
  return lines
}

describe('rateLimits', () => {
  const rows: Readonly<
    Record<string, readonly [limit: number, call: (send: Send) => Promise<TestResponse>]>
  > = {
    verify: [100, (send) => send('GET', verify)],
    batch: [20, (send) => send('POST', batch, { body: { jtis: ['x'] } })],
    publicKey: [300, (send) => send('GET', '/apps/desktop-app/public-key')],
    renewal: [
      60,
      (send) => send('POST', '/apps/desktop-app/licenses/x/regenerate', { body: { current_token: 'x' } }),
    ],
    failedKey: [60, (send) => send('GET', '/apps', { key: apiKeySecret('sk', 'live') })],
  }
  for (const [name, [limit, call]] of Object.entries(rows))
    test(`${name}: ${limit} requests a minute, then 429 with Retry-After`, async () => {
      const { send } = await limited()
      const [passed, refusal] = await exhaust(() => call(send))
      assert.equal(passed, limit)
      assert.equal(refusal.error().code, 'rate_limited')
      assert.match(refusal.headers.get('retry-after') ?? '', /^([1-9]|[1-5]\d|60)$/)
      assert.equal(refusal.headers.get('ratelimit-policy'), `"${name}";q=${limit};w=60`)
      assert.match(refusal.headers.get('ratelimit') ?? '', new RegExp(`^"${name}";r=0;t=\\d+$`))
    })

  test('each limit has its own count', async () => {
    const { send } = await limited()
    await exhaust(() => send('GET', verify))
    assert.equal((await send('POST', batch, { body: { jtis: [] } })).status, 200)
    assert.equal((await send('GET', '/apps/desktop-app/public-key')).status, 200)
  })

  test('each limit is an option, and without rateLimits there is none', async () => {
    const { send } = await limited({ rateLimits: { verify: 3 } })
    assert.equal((await exhaust(() => send('GET', verify)))[0], 3)
    const { send: free } = await serve(await newShop())
    for (let at = 0; at < 150; at++) assert.equal((await free('GET', verify)).status, 404)
    assert.equal((await free('GET', verify)).headers.get('ratelimit'), null)
    for (const rateLimits of [{ verify: 0 }, { verify: 1.5 }, { verify: -1 }, { veryfy: 5 }])
      await assert.rejects(limited({ rateLimits }), TypeError)
  })

  test('every limited response shows the requests that are left', async () => {
    const { send } = await limited()
    assert.deepEqual([await left(send, '192.0.2.1'), await left(send, '192.0.2.1')], [99, 98])
  })
})

describe('counting', () => {
  test('invalid requests and HEAD count, because the limit is checked first', async () => {
    const { send } = await limited()
    await send('GET', '/apps/desktop-app/licenses/verify')
    await send('GET', '/apps/no-app/licenses/verify?jti=x')
    await send('HEAD', verify)
    await send('POST', '/apps/desktop-app/licenses/verify', { body: '{' })
    assert.equal(await left(send, '192.0.2.1'), 95)
  })
})

describe('well-behaved callers', () => {
  test('a working key: never limited, even after failed keys from its address', async () => {
    const { send, keys } = await limited()
    await exhaust(() => send('GET', '/apps', { key: apiKeySecret('sk', 'live') }))
    for (let at = 0; at < 200; at++) assert.equal((await send('GET', '/apps', { key: keys.sk })).status, 200)
    assert.equal(
      (await send('GET', '/apps')).status,
      401,
      'a request without a key does not count as a guess',
    )
  })

  test('renewalPerLicense: only tokens with a valid signature count', async () => {
    const { send, issue } = await limited({ rateLimits: { renewal: 10_000 } })
    const license = await issue()
    const regenerate = `/apps/desktop-app/licenses/${license.id}/regenerate`
    const claims = JSON.parse(atob((license.token ?? '').split('.')[1]!)) as object
    const forged = await forge(claims, testKeyPairs[5]!.privateKeyPem)
    for (let at = 0; at < 50; at++)
      assert.equal(
        (await send('POST', regenerate, { body: { current_token: at % 2 ? 'x' : forged } })).status,
        401,
      )
    const renew = (): Promise<TestResponse> =>
      send('POST', regenerate, { body: { current_token: license.token } })
    const [passed, refusal] = await exhaust(renew)
    assert.equal(passed, 10)
    assert.match(refusal.headers.get('ratelimit-policy') ?? '', /renewalPerLicense/)
    const other = await issue()
    const fine = await send('POST', `/apps/desktop-app/licenses/${other.id}/regenerate`, {
      body: { current_token: other.token },
    })
    assert.equal(fine.status, 200, 'another license is not limited')
  })

  test('renewalPerLicense: an invalidated or expired token does not count', async () => {
    const { send, issue, licensing, clock } = await limited({ rateLimits: { renewal: 10_000 } })
    const { id, token: stolen } = await issue({ durationDays: 1 })
    const renew = (token: unknown): Promise<TestResponse> =>
      send('POST', `/apps/desktop-app/licenses/${id}/regenerate`, { body: { current_token: token } })
    const { token } = await licensing.licenses.regenerate('desktop-app', id, { invalidatePrevious: true })
    for (let at = 0; at < 20; at++) assert.equal((await renew(stolen)).status, 401)
    assert.equal((await renew(token)).status, 200)
    clock.seconds += 86_400
    const extended = await licensing.licenses.update('desktop-app', id, { durationDays: 9 })
    for (let at = 0; at < 20; at++) assert.equal((await renew(token)).error().code, 'token_expired')
    assert.equal((await renew(extended.token)).status, 200)
  })

  test('renewalPerLicense: ten renewals at once count as ten, although each but one has to try again', async () => {
    const { send, issue } = await limited()
    const { id, token } = await issue()
    const renew = (): Promise<TestResponse> =>
      send('POST', `/apps/desktop-app/licenses/${id}/regenerate`, { body: { current_token: token } })
    const renewed = await Promise.all(Array.from({ length: 10 }, renew))
    assert.deepEqual(new Set(renewed.map(({ status }) => status)), new Set([200]))
    assert.equal((await renew()).error().code, 'rate_limited')
  })

  test('another address: its own count', async () => {
    const { send } = await limited()
    await exhaust(() => send('GET', verify, from('192.0.2.1')))
    assert.equal(await left(send, '192.0.2.2'), 99)
  })
})

describe('client addresses', () => {
  test('IPv6: counted by /64, and IPv4-mapped as IPv4', async () => {
    const { send } = await limited()
    assert.equal(await left(send, '2001:db8:1:2::1'), 99)
    assert.equal(await left(send, '2001:db8:1:2:ffff:ffff:ffff:ffff'), 98)
    assert.equal(await left(send, '2001:DB8:0001:2::9'), 97)
    assert.equal(await left(send, '2001:db8:1:3::1'), 99)
    assert.equal(await left(send, '192.0.2.7'), 99)
    assert.equal(await left(send, '::ffff:192.0.2.7'), 98)
  })

  test('X-Forwarded-For from an untrusted address: ignored', async () => {
    const { send } = await limited()
    for (let at = 0; at < 5; at++)
      assert.equal(await left(send, '198.51.100.1', { 'x-forwarded-for': `203.0.113.${at}` }), 99 - at)
  })

  test('X-Forwarded-For from a trusted proxy: the last untrusted address', async () => {
    const { send } = await limited({
      rateLimits: {},
      trustedProxies: ['10.0.0.0/8', '2001:db8:ffff::/48', '192.0.2.9'],
    })
    const behind = (forwarded: string, socket = '10.0.0.1'): Promise<number> =>
      left(send, socket, { 'x-forwarded-for': forwarded })
    assert.equal(await behind('203.0.113.1'), 99)
    assert.equal(
      await behind('1.2.3.4, 203.0.113.1'),
      98,
      'anybody could have written the addresses before it',
    )
    assert.equal(await behind('203.0.113.1, 10.9.9.9'), 97)
    assert.equal(await behind('203.0.113.1', '192.0.2.9'), 96)
    assert.equal(await behind('203.0.113.1', '2001:db8:ffff::5'), 95)
    assert.equal(await behind('203.0.113.2'), 99)
    assert.equal(await behind('nonsense'), 99, 'counts for the proxy')
    assert.equal(await behind('203.0.113.9, nonsense'), 98)
    assert.equal(await behind('203.0.113.1', '11.0.0.1'), 99, 'an untrusted sender counts for itself')
  })

  /** An address, and the forms in which proxies write it. */
  const forms = {
    '203.0.113.7': [
      '203.0.113.7:51234',
      ' 203.0.113.7 ',
      '"203.0.113.7"',
      '"203.0.113.7:443"',
      '[203.0.113.7]:443',
      'for=203.0.113.7',
      'For="203.0.113.7:443"',
      'for=203.0.113.7;proto=https;by=10.0.0.1',
      'proto=https; for=203.0.113.7',
      '::ffff:203.0.113.7',
      '::FFFF:cb00:7107',
      '[::ffff:203.0.113.7]',
      '[::ffff:203.0.113.7]:443',
      '::ffff:203.0.113.7:443',
      '203.0.113.7:443, 10.0.0.9:443',
      '1.2.3.4, 203.0.113.7:_port, , [::ffff:10.0.0.9]:1',
    ],
    '18.52.86.7': [
      '::ffff:1234:5607',
      '::FFFF:1234:5607',
      '[::ffff:1234:5607]:443',
      'for="[::ffff:1234:5607]"',
    ],
    '2001:db8:1:2::7': [
      '[2001:db8:1:2::7]',
      '[2001:db8:1:2::7]:51234',
      '"[2001:db8:1:2::7]:443"',
      'for="[2001:DB8:1:2:0:0:0:7]:443"',
      '2001:db8:1:2::7%eth0',
      '[2001:db8:1:2::7%25eth0]:443',
      'for="[2001:db8:1:2::7]";proto=http',
    ],
  }
  for (const [address, written] of Object.entries(forms))
    test(`X-Forwarded-For: every way to write ${address} is one count`, async () => {
      const { send } = await limited({ rateLimits: {}, trustedProxies: ['10.0.0.0/8'] })
      let rest = await left(send, '10.0.0.1', { 'x-forwarded-for': address })
      for (const forwarded of written)
        assert.equal(await left(send, '10.0.0.1:80', { 'x-forwarded-for': forwarded }), --rest, forwarded)
      assert.equal(await left(send, `[${address}]:443`), --rest, 'from the socket')
      const next = address.replace(/7$/, '8').replace(':2::', ':3::')
      assert.equal(await left(send, '10.0.0.1', { 'x-forwarded-for': `${next}` }), 99)
    })

  test('X-Forwarded-For with a hop that is no address: one warning in the log, without the hop', async (t) => {
    const lines = await logged(t)
    const { send } = await limited({ rateLimits: {}, trustedProxies: ['10.0.0.0/8'] })
    for (const hop of [
      'unknown',
      '_hidden',
      'for=_hidden',
      '1.2.3',
      '203.0.113.1.',
      '[::1',
      'a:b:c',
      '1.2.3.4:',
    ])
      await left(send, '10.0.0.1', { 'x-forwarded-for': `203.0.113.1, ${hop}` })
    assert.equal(await left(send, '10.0.0.1'), 99 - 8, 'they count for the proxy')
    const warnings = lines.filter((line) => line.startsWith('warning '))
    assert.deepEqual(warnings.length, 1)
    assert.match(warnings[0] ?? '', /^warning X-Forwarded-For [^_]+$/)
  })

  test('clientAddress() without an address: not limited, with one warning in the log', async (t) => {
    const lines = await logged(t)
    const { send } = await limited({ rateLimits: { verify: 2 }, clientAddress: () => undefined })
    for (let at = 0; at < 5; at++) assert.equal((await send('GET', verify)).status, 404)
    assert.equal(lines.filter((line) => /^warning .*clientAddress/.test(line)).length, 1)
  })

  test('rateLimits without clientAddress: refused, because they cannot be counted', async () => {
    const { licensing } = await newShop()
    const ask = async (): Promise<number> => {
      const app = licensingServer(licensing, { rateLimits: { verify: 2 } })
      return (await app.fetch(new Request(`http://localhost/api/v1${verify}`))).status
    }
    if ('Bun' in globalThis)
      assert.equal(await ask(), 500, 'Bun tells the address only to an app that listens')
    else await assert.rejects(ask(), /^TypeError: rateLimits count by address, so they need clientAddress: /)
  })

  test('options that cannot be honoured: TypeError', async () => {
    for (const [option, value] of [
      ['clientAddress', '192.0.2.1'],
      ['trustedProxies', '10.0.0.0/8'],
      ['metrics', 'on'],
      ['standalone', 1],
      ['documents', null],
    ] as const)
      await assert.rejects(limited({ [option]: value }), new RegExp(`^TypeError: ${option} must be `))
  })

  test('clientAddress() throws: 500 in the error envelope, without its text', async () => {
    const { licensing } = await newShop()
    const clientAddress = (): string => {
      throw new Error('secret /srv/x.ts')
    }
    const app = licensingServer(licensing, { rateLimits: {}, clientAddress })
    const response = await app.fetch(new Request(`http://localhost/api/v1${verify}`))
    const text = await response.text()
    assert.match(text, /"code":"internal_error"/)
    assert.doesNotMatch(text, /secret/)
    assert.match(response.headers.get('x-request-id') ?? '', /^\S+$/)
  })

  test('trustedProxies: TypeError unless an address or a range', async () => {
    for (const range of ['x', '10.0.0.0/33', '10.0.0', '', 'localhost', '10.0.0.0/8/8'])
      await assert.rejects(limited({ rateLimits: {}, trustedProxies: [range] }), TypeError, range)
  })
})

describe('a port of Bun', () => {
  test('the client address is known without clientAddress', { skip: !('Bun' in globalThis) }, async () => {
    const { licensing } = await newShop()
    const app = licensingServer(licensing, { rateLimits: { verify: 2 } }).listen({
      port: 0,
      hostname: '127.0.0.1',
    })
    const ask = async (): Promise<number> =>
      (await fetch(`http://127.0.0.1:${app.server?.port}/api/v1${verify}`)).status
    assert.deepEqual([await ask(), await ask(), await ask()], [404, 404, 429])
    await app.stop(true)
  })
})
