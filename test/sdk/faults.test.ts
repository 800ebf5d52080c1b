import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { createLicensingClient, RemoteError, type LicensingClient } from '../../src/sdk/index.ts'
import { whileListening } from '../adapters/listening.ts'
import { newShopServer } from '../adapters/test-server.ts'
import { codeOf, installation, refusalOf } from '../support/fixtures.ts'
import { forwarded, passOn, whileFaulty, type Arrival } from './fault-server.ts'
import { secret } from './recorder.ts'

const app = 'desktop-app'
const json = { 'content-type': 'application/json' }

function clientOf(baseUrl: string, options: object = {}): LicensingClient {
  return createLicensingClient({ baseUrl, apiKey: secret, retries: 0, ...options })
}

/** The error of a call, which must not show the key however it is printed. */
async function failureOf(call: Promise<unknown>): Promise<RemoteError> {
  const error = await refusalOf(call)
  assert.ok(error instanceof RemoteError)
  for (const text of [inspect(error, { depth: null, showHidden: true }), JSON.stringify(error), `${error}`])
    assert.ok(!text.includes(secret.slice(8)), text)
  return error
}

test('a connection that is dropped after the commit: the repetition gets the same license, and there is one', async () => {
  const { licensing, fetch, keys, customer } = await newShopServer()
  const respond = async (arrival: Arrival): Promise<void> => {
    const response = await fetch(forwarded(arrival))
    if (arrival.count === 1) return void arrival.request.socket.destroy()
    await passOn(response, arrival.response)
  }
  await whileFaulty(respond, async (origin, arrivals) => {
    const client = createLicensingClient({ baseUrl: origin, apiKey: keys.sk, retries: 1 })
    const license = await client.licenses.create(app, {
      installationId: installation(1),
      customerId: customer.id,
      tierId: 'pro',
      durationDays: 30,
    })
    const { data } = await licensing.licenses.list(app)
    assert.deepEqual(
      data.map(({ id }) => id),
      [license.id],
    )
    assert.equal(license.token, await licensing.licenses.token(app, license.id))
    const sent = arrivals.map(
      ({ request, body }) => `${request.headers['idempotency-key'] as string} ${body}`,
    )
    assert.ok(sent.length >= 2)
    assert.equal(new Set(sent).size, 1)
  })
})

test('the same, without its key: the repetition would be refused', async () => {
  const { fetch, keys, customer } = await newShopServer()
  const license = {
    installationId: installation(1),
    customerId: customer.id,
    tierId: 'pro',
    forever: true,
  } as const
  const respond = async (arrival: Arrival): Promise<void> => {
    delete arrival.request.headers['idempotency-key']
    const response = await fetch(forwarded(arrival))
    if (arrival.count === 1) return void arrival.request.socket.destroy()
    await passOn(response, arrival.response)
  }
  await whileFaulty(respond, async (origin) => {
    const client = createLicensingClient({ baseUrl: origin, apiKey: keys.sk, retries: 1 })
    assert.equal(await codeOf(client.licenses.create(app, license)), 'conflict')
  })
})

test('idempotencyKey: two calls under one key make one license, and another input is refused', async () => {
  const { fetch, keys, customer, licensing } = await newShopServer()
  await whileListening({ fetch }, async ({ origin }) => {
    const client = createLicensingClient({ baseUrl: origin, apiKey: keys.sk })
    const { licenses } = client.withOptions({ idempotencyKey: 'order 1' })
    const license = { customerId: customer.id, tierId: 'pro', forever: true } as const
    const first = await licenses.create(app, { ...license, installationId: installation(1) })
    assert.deepEqual(await licenses.create(app, { ...license, installationId: installation(1) }), first)
    const other = await failureOf(licenses.create(app, { ...license, installationId: installation(2) }))
    assert.deepEqual([other.code, other.status], ['idempotency_mismatch', 422])
    assert.equal((await licensing.licenses.list(app)).total, 1)
  })
})

test('nobody listens: no_connection, with the cause for a log', async () => {
  let closed = ''
  await whileFaulty(
    () => undefined,
    async (origin) => void (closed = origin),
  )
  const { code, status, requestId, cause } = await failureOf(clientOf(closed).apps.get(app))
  assert.deepEqual([code, status, requestId], ['no_connection', null, null])
  assert.ok(cause instanceof Error)
})

const whole = JSON.stringify({ data: { id: 'app_1', name: 'n' } })

/** Bodies that break off or never end, each with the code of the error and the attempts. */
const bodies: readonly (readonly [string, (arrival: Arrival) => void, string, number])[] = [
  [
    'a body cut before its length',
    ({ response }) => {
      response.writeHead(200, { ...json, 'content-length': whole.length })
      response.write(whole.slice(0, 20), () => response.socket?.destroy())
    },
    'no_connection',
    2,
  ],
  [
    'a chunked body cut in the middle',
    ({ response }) => {
      response.writeHead(200, json)
      response.write(whole.slice(0, 20), () => response.socket?.destroy())
    },
    'no_connection',
    2,
  ],
  ['a connection without a response', ({ request }) => request.socket.destroy(), 'no_connection', 2],
  [
    'JSON that breaks off',
    ({ response }) => response.writeHead(200, json).end(whole.slice(0, 20)),
    'invalid_response',
    1,
  ],
]

for (const [what, respond, code, attempts] of bodies)
  test(`${what}: ${code}`, async () => {
    await whileFaulty(respond, async (origin) => {
      let count = 0
      // Deno's own fetch asks again after a broken connection, so the server may see more.
      const counting = (url: string, init: RequestInit): Promise<Response> => {
        count += 1
        return fetch(url, init)
      }
      const error = await failureOf(clientOf(origin, { retries: 1, fetch: counting }).apps.get(app))
      assert.deepEqual([error.code, count], [code, attempts])
    })
  })

for (const [what, respond] of [
  ['no head', () => undefined],
  ['no end of the body', ({ response }: Arrival) => response.writeHead(200, json).write('{"data":')],
  [
    'a body of one byte a moment',
    ({ response }: Arrival) => {
      response.writeHead(200, json)
      const timer = setInterval(() => response.write(' '), 5)
      response.on('close', () => clearInterval(timer))
    },
  ],
] as const)
  test(`a response that has ${what} within the time limit: timed_out`, async () => {
    await whileFaulty(respond, async (origin, arrivals) => {
      const error = await failureOf(clientOf(origin, { timeoutMs: 100, retries: 2 }).apps.get(app))
      assert.deepEqual([error.code, error.status, arrivals.length], ['timed_out', null, 1])
    })
  })

test('a body without an end: invalid_response, and the client stops reading', async () => {
  let written = 0
  const chunk = Buffer.alloc(256 * 1024, ' ')
  const respond = ({ response }: Arrival): void => {
    response.writeHead(200, json)
    const more = (): void => {
      if (response.destroyed) return
      written += chunk.length
      if (response.write(chunk)) setImmediate(more)
      else response.once('drain', more)
    }
    more()
  }
  await whileFaulty(respond, async (origin) => {
    const error = await failureOf(clientOf(origin).apps.get(app))
    assert.deepEqual([error.code, error.status], ['invalid_response', 200])
  })
  assert.ok(written < 100 * 1024 * 1024, `${written} bytes`)
})

test('a redirect to another origin: neither the key nor the body follows it', async () => {
  for (const status of [301, 302, 303, 307, 308])
    await whileFaulty(
      ({ response }) => response.end(),
      async (other, stolen) => {
        const respond = ({ response }: Arrival): unknown =>
          response.writeHead(status, { location: `${other}/api/v1/apps` }).end()
        await whileFaulty(respond, async (origin) => {
          const error = await failureOf(clientOf(origin).apps.create({ name: 'n', slug: 's' }))
          assert.equal(error.code, 'invalid_response')
          assert.match(error.message, /^The server redirects to another address/)
          assert.ok(!error.message.includes(other))
        })
        assert.equal(stolen.length, 0)
      },
    )
})

const html = '<html><title>sk_live_</title>Bad gateway</html>'

/** Responses of something other than Heartwood. */
const foreign: readonly (readonly [string, number, Readonly<Record<string, string>>, string])[] = [
  ['a page', 200, { 'content-type': 'text/html' }, html],
  ['a page as JSON', 200, json, html],
  ['a page that calls itself missing', 404, { 'content-type': 'text/html' }, html],
  ['a page with an error', 500, { 'content-type': 'text/html' }, html],
  ['JSON as text', 200, { 'content-type': 'text/plain' }, whole],
  ['JSON without a type', 200, {}, whole],
  ['no body', 200, json, ''],
  ['nothing', 204, {}, ''],
  ['a list', 200, json, '[]'],
  ['null', 200, json, 'null'],
  ['a text', 200, json, '"data"'],
  ['an object without data', 200, json, '{}'],
  ['null as data', 200, json, '{"data":null}'],
  ['a list as data', 200, json, '{"data":[]}'],
  ['a time that is none', 200, json, '{"data":{"created_at":"yesterday"}}'],
  ['an error of another kind', 400, json, '{"error":"bad"}'],
  ['an error with a number as code', 400, json, '{"error":{"code":7,"message":"m"}}'],
  ['an error with a page as code', 400, json, JSON.stringify({ error: { code: html, message: 'm' } })],
  ['an error without a message', 400, json, '{"error":{"code":"conflict"}}'],
  ['an error without an error', 400, json, '{}'],
  ['a body deeper than a stack', 200, json, `{"data":${'{"a":'.repeat(300_000)}1${'}'.repeat(300_001)}`],
]

for (const [what, status, headers, body] of foreign)
  test(`a response that is ${what}, ${status}: invalid_response, which repeats nothing of it`, async () => {
    const respond = ({ response }: Arrival): unknown =>
      response.writeHead(status, { ...headers, 'x-request-id': html }).end(body)
    await whileFaulty(respond, async (origin) => {
      const error = await failureOf(clientOf(origin).apps.get(app))
      assert.deepEqual(
        [error.code, error.status, error.requestId, error.message],
        ['invalid_response', status, null, 'The response is none of a Heartwood server: check baseUrl'],
      )
      assert.equal(error.details, undefined)
    })
  })

test('other readers: a page instead of a list, a key, a JWK Set or a deletion is invalid_response', async () => {
  const respond = ({ response }: Arrival): unknown =>
    response.writeHead(200, { 'content-type': 'text/html' }).end(html)
  await whileFaulty(respond, async (origin) => {
    const { apps, licenses, tiers, customers, verification } = clientOf(origin)
    const calls = [
      () => apps.list(),
      () => apps.keys(app),
      () => apps.publicKey(app),
      () => apps.jwks(app),
      () => apps.delete(app),
      () => licenses.list(app),
      () => licenses.get(app, 'lic_1'),
      () => tiers.addFeature(app, 'pro', { name: 'n', slug: 's' }),
      () => customers.getOrCreate(app, { email: 'a@b' }),
      () => verification.verifyBatch(app, { jtis: [] }),
      () => clientOf(origin).ping(),
    ]
    for (const call of calls) assert.equal((await failureOf(call())).code, 'invalid_response', String(call))
  })
})

test('an error of a later version: keeps its code, and whatever is odd in its details is left out', async () => {
  const details = { expires_at: ['is late'], count: 3, list: [1], ok: [] }
  const body = JSON.stringify({
    error: { code: 'seat_limit_reached', message: 'All taken', details, more: 1 },
  })
  const odd = body.replace('"count"', '"__proto__":["polluted"],"count"')
  const respond = ({ response }: Arrival): unknown => response.writeHead(409, json).end(odd)
  await whileFaulty(respond, async (origin) => {
    const error = await failureOf(clientOf(origin).apps.get(app))
    assert.deepEqual(
      [error.code as string, error.message, error.status],
      ['seat_limit_reached', 'All taken', 409],
    )
    assert.deepEqual(Object.keys(error.details!).toSorted(), ['_Proto__', 'expiresAt', 'ok'])
  })
})

test('a response that names prototypes: its fields are own fields, and nothing else changes', async () => {
  const body = `{"data":{"id":"app_1","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},
    "metadata":{"__proto__":{"polluted":1}},"to_string":"x"},"meta":{}}`
  await whileFaulty(
    ({ response }) => response.writeHead(200, json).end(body),
    async (origin) => {
      const found = (await clientOf(origin).customers.get(app, 'cus_1')) as object
      assert.equal(Object.getPrototypeOf(found), Object.prototype)
      assert.equal((found as { readonly polluted?: unknown }).polluted, undefined)
      assert.equal(({} as { readonly polluted?: unknown }).polluted, undefined)
      assert.deepEqual(Object.keys(found), ['id', '_Proto__', 'constructor', 'metadata', 'toString'])
    },
  )
  const batch =
    '{"data":{"results":{"__proto__":{"valid":false,"status":"not_found"},"toString":{"valid":true}}}}'
  await whileFaulty(
    ({ response }) => response.writeHead(200, json).end(batch),
    async (origin) => {
      const results = await clientOf(origin).verification.verifyBatch(app, { jtis: [] })
      assert.deepEqual([...results.keys()], ['__proto__', 'toString'])
      assert.deepEqual(results.get('__proto__'), { valid: false, status: 'not_found' })
    },
  )
})

test('ping(): is unavailable if the storage does not respond', async () => {
  const respond = ({ response }: Arrival): unknown =>
    response.writeHead(503, json).end('{"status":"error","version":"0.1.0","storage":"error"}')
  await whileFaulty(respond, async (origin) => {
    const { code, status } = await failureOf(clientOf(origin).ping())
    assert.deepEqual([code, status], ['unavailable', 503])
  })
  const { fetch } = await newShopServer()
  await whileListening({ fetch }, async ({ origin }) =>
    assert.equal(await clientOf(origin).ping(), undefined),
  )
})
