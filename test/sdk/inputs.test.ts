import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { createLicensingClient, RemoteError, type LicensingClientOptions } from '../../src/sdk/index.ts'
import { whileListening } from '../adapters/listening.ts'
import { newShopServer } from '../adapters/test-server.ts'
import { codeOf, installation, refusalOf, start } from '../support/fixtures.ts'
import { json, recorder, secret } from './recorder.ts'

const app = 'desktop-app'
const key = { apiKey: secret }

/** The message of the TypeError that the options cause. */
function refusedOptions(options: object): string {
  try {
    createLicensingClient(options as LicensingClientOptions)
  } catch (error) {
    assert.ok(error instanceof TypeError)
    return error.message
  }
  return assert.fail(`${inspect(options)} was taken`)
}

test('createLicensingClient(): refuses hostile addresses, and repeats none of their values', () => {
  const addresses: readonly unknown[] = [
    ...['', ' ', 'shop.test', '//shop.test', '/api/v1', 'https://', 'https://exa mple.com'],
    ...['http://shop.test', 'http://127.0.0.1.evil.com', 'http://localhost.evil.com', 'http://10.0.0.1'],
    ...['ftp://shop.test', 'file:///etc/passwd', 'javascript:alert(1)', 'data:text/html,x'],
    ...['https://user@shop.test', 'https://user:pass@shop.test', 'https://:pass@host'],
    ...['https://shop.test?key=x', 'https://shop.test/#x', 'https://[::1'],
    ...[undefined, null, 5, {}, ['https://shop.test'], new URL('https://shop.test')],
  ]
  for (const baseUrl of addresses) {
    const message = refusedOptions({ ...key, baseUrl })
    assert.match(message, /^baseUrl must /, String(baseUrl))
    if (typeof baseUrl === 'string' && baseUrl.length > 8) assert.ok(!message.includes(baseUrl))
  }
})

test('createLicensingClient(): sends to one address, however its end is written', async () => {
  const written = [
    '',
    '/',
    '//',
    '/api/v1',
    '/api/v1/',
    '/prefix',
    '/prefix/api/v1/',
    '/a/../prefix',
    '/pre%66ix?',
  ]
  const asked: string[] = []
  for (const end of written) {
    const { client, sent } = recorder(() => json({ data: {} }), {
      baseUrl: `https://licenses.example.com${end}`,
    })
    await client.apps.get(app)
    asked.push(sent[0]!.path.replace('/api/v1/apps/desktop-app', ''))
  }
  assert.deepEqual(asked, ['', '', '', '', '', '/prefix', '/prefix', '/prefix', '/pre%66ix'])
  for (const own of ['http://localhost:4000', 'http://127.0.0.1', 'http://127.1', 'http://[::1]:4000'])
    createLicensingClient({ ...key, baseUrl: own })
  createLicensingClient({ ...key, baseUrl: 'http://licenses.internal', allowHttp: true })
})

test('createLicensingClient(): refuses unusable options by name, and never shows a key', () => {
  const baseUrl = 'https://licenses.example.com'
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ baseUrl }, /^Exactly one of apiKey and session must be given$/],
    [{ baseUrl, ...key, session: true }, /^Exactly one of apiKey and session must be given$/],
    [{ baseUrl, session: false }, /^session must be true$/],
    ...['', `${secret}\n`, ` ${secret}`, 'sk live', 'ключ', 'x'.repeat(256), 5, null].map(
      (apiKey): [object, RegExp] => [
        { baseUrl, apiKey },
        /^apiKey must be the secret of an API key, without blanks$/,
      ],
    ),
    ...[0, -1, 1.5, Number.NaN, Infinity, '5', 2 ** 31].map((timeoutMs): [object, RegExp] => [
      { baseUrl, ...key, timeoutMs },
      /^timeoutMs must be an integer from 1 to/,
    ]),
    ...[-1, 11, 0.5, '2'].map((retries): [object, RegExp] => [
      { baseUrl, ...key, retries },
      /^retries must be an integer from 0 to 10$/,
    ]),
    [{ baseUrl, ...key, fetch: 'fetch' }, /^fetch must be a function$/],
    [{ baseUrl, ...key, allowHttp: 'false' }, /^allowHttp must be true or false$/],
    [{ baseUrl, ...key, apikey: secret }, /^apikey is not a known option$/],
  ]
  for (const [options, rule] of cases) assert.match(refusedOptions(options), rule)
  const client = createLicensingClient({ baseUrl, ...key })
  const calls: readonly (readonly [object, RegExp])[] = [
    ...['', 'two\nlines', ' x', 'x ', 'ü', 'x'.repeat(256), 5].map((idempotencyKey): [object, RegExp] => [
      { idempotencyKey },
      /^idempotencyKey must be 1 to 255 printable ASCII/,
    ]),
    [{ signal: {} }, /^signal must be an AbortSignal$/],
    [{ signal: null }, /^signal must be an AbortSignal$/],
    [{ timeoutMs: 0 }, /^timeoutMs must be/],
    [{ apiKey: secret }, /^apiKey is not a known option$/],
  ]
  for (const [options, rule] of calls)
    assert.throws(() => client.withOptions(options), { name: 'TypeError', message: rule })
})

test('the client: no way to print it shows the key', async () => {
  const { client } = recorder(() => json({ data: {} }))
  const texts = [
    inspect(client, { depth: null, showHidden: true, getters: true }),
    inspect(client.withOptions({ retries: 1 }), { depth: null, showHidden: true }),
    JSON.stringify(client),
    String(client),
    Object.values(client.apps).map(String).join(),
  ]
  for (const text of texts) assert.ok(!text.includes(secret.slice(8)))
})

test('session: sends the cookies of the origin and never a key', async () => {
  const { client, sent } = recorder(() => json({ data: {} }), { apiKey: undefined, session: true } as never)
  await client.apps.get(app)
  await client.apps.create({ name: 'n', slug: 's' })
  for (const { headers, init } of sent) {
    assert.equal(headers.get('authorization'), null)
    assert.equal(init.credentials, 'same-origin')
  }
})

/** Names that a proxy or a parser of URLs could read as something else. */
const hostile = [
  ...[
    '',
    '.',
    '..',
    '...',
    '%2e%2e',
    '%2e',
    '..%2f..',
    '../../api-keys',
    'a/b',
    '/',
    '//',
    '\\..\\..',
    'a?b',
    'a#b',
    'a;b',
  ],
  ...[
    'verify',
    'by-email',
    'by-installation',
    'regenerate',
    'get-or-create',
    'batch',
    '\u0000',
    '\n',
    ' ',
    'ü',
    '😀',
  ],
  ...['\ud800', '__proto__', 'constructor', 'x'.repeat(300), ':slug', '*', '~', '0'],
]

test('hostile ids and slugs: stay one segment of the path, and are not found', async () => {
  const { fetch, keys } = await newShopServer()
  const paths: string[] = []
  const watched = (request: Request): Promise<Response> => {
    paths.push(new URL(request.url).pathname)
    return fetch(request)
  }
  await whileListening({ fetch: watched }, async ({ origin }) => {
    const { apps, tiers, customers, licenses, apiKeys, webhooks } = createLicensingClient({
      baseUrl: origin,
      apiKey: keys.sk,
      retries: 0,
    })
    for (const name of hostile) {
      const calls: readonly (readonly [() => Promise<unknown>, number])[] = [
        [() => apps.get(name), 5],
        [() => apps.delete(name), 5],
        [() => tiers.get(app, name), 7],
        [() => tiers.removeFeature(app, name, name), 9],
        [() => customers.get(app, name), 7],
        [() => customers.update(app, name, {}), 7],
        [() => licenses.get(app, name), 7],
        [() => licenses.delete(app, name), 7],
        [() => licenses.revoke(app, name), 8],
        [() => apiKeys.revoke(name), 5],
        [() => apiKeys.roll(name), 6],
        [() => webhooks.retry(app, name), 8],
      ]
      for (const [call, segments] of calls) {
        assert.equal(await codeOf(call()), 'not_found', `${JSON.stringify(name)} ${String(call)}`)
        assert.equal(paths.at(-1)!.split('/').length, segments, paths.at(-1)!)
      }
    }
  })
})

test('times: a Date and seconds are one, and a time that is none is refused by its own rule', async () => {
  const { fetch, keys, issue, licensing } = await newShopServer()
  const { id } = await issue({ forever: true })
  await whileListening({ fetch }, async ({ origin }) => {
    const { licenses, apiKeys } = createLicensingClient({ baseUrl: origin, apiKey: keys.sk })
    const end = start + 5_000
    for (const expiresAt of [end, new Date(end * 1000 + 999)])
      assert.equal((await licenses.update(app, id, { expiresAt })).expiresAt, end)
    const before = (await licensing.apiKeys.list()).total
    const none = [
      new Date(Number.NaN),
      Number.NaN,
      Infinity,
      -Infinity,
      1.5,
      1e300,
      -1e15,
      8.64e15,
      new Date(8.64e15),
    ]
    for (const expiresAt of none) {
      const refused = [licenses.update(app, id, { expiresAt }), apiKeys.create({ expiresAt })].map(refusalOf)
      for (const { code, details } of await Promise.all(refused)) {
        assert.equal(code, 'validation_error')
        assert.match(details!['expiresAt']!.join(), /^must be (a time|in the future)/, String(expiresAt))
      }
    }
    assert.equal((await licensing.apiKeys.list()).total, before, 'no key without an end was made')
    assert.equal((await apiKeys.create({ expiresAt: null })).expiresAt, null)
  })
})

test('values that JSON would change are refused before they are sent, as core refuses them', async () => {
  const { client, sent } = recorder(() => json({ data: {} }))
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  const deep = JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`) as unknown
  const odd = [
    Number.NaN,
    Infinity,
    undefined,
    () => 1,
    Symbol('s'),
    5n,
    new Date(0),
    new Map(),
    circle,
    deep,
  ]
  for (const value of odd) {
    const call = client.customers.create(app, { email: 'a@b', metadata: { value } as never })
    const error = await refusalOf(call)
    assert.ok(error instanceof RemoteError)
    assert.deepEqual(
      [error.code, error.status, error.details],
      ['validation_error', null, { metadata: ['must be JSON'] }],
    )
  }
  const holes = [1]
  holes[2] = 3
  assert.equal(
    await codeOf(client.customers.create(app, { email: 'a@b', metadata: { holes } as never })),
    'validation_error',
  )
  for (const input of [null, 5, 'text', [1]])
    assert.deepEqual((await refusalOf(client.customers.create(app, input as never))).details, {
      '(body)': ['must be an object'],
    })
  assert.equal(sent.length, 0)
})

test('undefined is absent and null clears, as in process', async () => {
  const { fetch, keys, customer, licensing } = await newShopServer()
  await whileListening({ fetch }, async ({ origin }) => {
    const { customers } = createLicensingClient({ baseUrl: origin, apiKey: keys.sk })
    const named = await customers.update(app, customer.id, { name: 'Ada', externalId: 'x' })
    const same = await customers.update(app, customer.id, { name: undefined, externalId: null } as never)
    assert.deepEqual([named.name, same.name, same.externalId], ['Ada', 'Ada', null])
    const metadata = { camelCase: 1, snake_case: { created_at: 'soon', innerName: null } }
    assert.deepEqual((await customers.update(app, customer.id, { metadata })).metadata, metadata)
    assert.deepEqual(await customers.get(app, customer.id), await licensing.customers.get(app, customer.id))
  })
})

test('a public key reads licenses without tokens, and is refused one that it asks for, as in process', async () => {
  const { fetch, keys, issue, licensing } = await newShopServer()
  const { id } = await issue()
  const own = licensing.restrictedTo((await licensing.apiKeys.authenticate(keys.pk))!)
  await whileListening({ fetch }, async ({ origin }) => {
    const remote = createLicensingClient({ baseUrl: origin, apiKey: keys.pk })
    assert.deepEqual(await remote.licenses.get(app, id), await own.licenses.get(app, id))
    for (const { licenses } of [own, remote])
      for (const call of [
        () => licenses.get(app, id, { include: 'token' }),
        () => licenses.getByInstallation(app, installation(1), { include: 'token' }),
        () => licenses.token(app, id),
        () => licenses.list(app, { include: 'token' }),
        () => licenses.revoke(app, id),
      ]) {
        const { code, message } = await refusalOf(call())
        assert.equal(code, 'forbidden')
        assert.match(message, /requires? a secret key \(sk_\*\)$/)
      }
    assert.equal('token' in (await remote.licenses.get(app, id)), false)
    const full = createLicensingClient({ baseUrl: origin, apiKey: keys.sk })
    assert.equal(
      'token' in (await full.licenses.get(app, id)),
      false,
      'a token comes only if it is asked for',
    )
  })
})

test('licenseKeys.release(): a holder without a credential is no vendor, and shows no API key', async () => {
  const { client, sent } = recorder(() => json({ data: {} }))
  const odd: readonly unknown[] = [undefined, null, 7, {}, () => 'key', 'K'.repeat(1001)]
  for (const licenseKey of odd) await client.licenseKeys.release(app, 'lic_1', { licenseKey })
  for (const { body, headers } of sent)
    assert.deepEqual([body, headers.get('authorization')], ['{"license_key":""}', null])
})

test('licenseKeys.sync(): a customer that JSON cannot hold is refused before it is sent', async () => {
  const { client, sent } = recorder(() => json({ data: {}, meta: {} }))
  const circle: { again?: unknown } = {}
  circle.again = circle
  for (const customer of [circle, { email: Number.NaN }, new Map(), { name: () => 1 }])
    assert.equal(await codeOf(client.licenseKeys.sync(app, { customer } as never)), 'validation_error')
  assert.equal(sent.length, 0)
})
