import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { configure, reset } from '@logtape/logtape'
import { routesAt } from '../../src/adapters/routes/index.ts'
import { apiKeySecret } from '../../src/core/api-keys/secret.ts'
import type { Diagnosis, NewApiKey, Scope } from '../../src/core/index.ts'
import { createLicensingClient, type LicensingClient } from '../../src/sdk/index.ts'
import { cases } from '../core/diagnosis/cases.ts'
import { app, newDesk, type Desk } from '../core/diagnosis/desk.ts'
import { judge } from '../core/diagnosis/judge.ts'
import { dump } from '../support/dump.ts'
import { newWorld, start } from '../support/fixtures.ts'
import { testKeyPairs } from '../support/keys.ts'
import { claimsOf, forge, tokenStart } from '../support/tokens.ts'
import { serve, type TestServer } from './test-server.ts'

/** A license key with right check symbols that no app has. */
const rightKey = '00000-00000-00000-00000-00000'
const wrongKey = '00000-00000-00000-00000-00001'

/** The API keys of a server, and the license keys of a desk, have one name. */
interface Counter extends Omit<Desk, 'keys'>, TestServer {
  readonly sold: Desk['keys']
  /** The remote client of a new key with these rights. */
  client(rights?: NewApiKey): Promise<LicensingClient>
}

let shared: Promise<Counter> | undefined

/** The counter of every test that changes nothing. */
function oneCounter(): Promise<Counter> {
  return (shared ??= newCounter())
}

function deskOf({ sold, ...counter }: Counter): Desk {
  return { ...counter, keys: sold }
}

async function newCounter(options: Parameters<typeof serve>[1] = {}): Promise<Counter> {
  const world = await newWorld()
  const desk = await newDesk(world, start)
  const server = await serve(world, options)
  const client = async (rights: NewApiKey = {}): Promise<LicensingClient> => {
    const { secret } = await world.licensing.apiKeys.create(rights)
    const fetch = (url: unknown, init: unknown) =>
      server.fetch(new Request(url as string, init as RequestInit))
    return createLicensingClient({ baseUrl: 'http://localhost', apiKey: secret, fetch: fetch as never })
  }
  return { ...desk, ...server, sold: desk.keys, client }
}

describe('POST /diagnose: everything that customers send, by a live key and through the remote client', () => {
  let counter: Counter
  let client: LicensingClient
  before(async () => {
    counter = await oneCounter()
    client = await counter.client()
  })
  for (const each of cases)
    test(each.name, async () => {
      const text = await each.text(deskOf(counter))
      const remote = await client.diagnose({ text })
      if (each.causeForLiveKey !== undefined) return assert.equal(remote.cause, each.causeForLiveKey)
      judge(remote, each)
      // The response agrees with the OpenAPI document, and the remote client gives what core gives.
      await counter.send('POST', '/diagnose', { key: counter.keys.sk, body: { text } })
      assert.deepEqual(remote, await counter.licensing.diagnose({ text }))
    })

  test('every remedy names routes that exist', async () => {
    let named = 0
    for (const each of cases) {
      const { remedy } = await client.diagnose({ text: await each.text(deskOf(counter)) })
      for (const [, method = '', path = ''] of (remedy ?? '').matchAll(
        /(GET|POST|PUT|DELETE) \/api\/v1(\/[^\s;,?]+)/g,
      )) {
        const rows = routesAt(path.replace(/\.$/, ''))
        assert.ok(
          rows.some((row) => row.method === method),
          `${each.name}: ${method} ${path}`,
        )
        named += 1
      }
    }
    assert.ok(named > 30, `${named} routes`)
  })
})

/** The content of every response, with the text of an error. */
async function outputOf({ send }: Counter, key: string, text: unknown, headers = {}): Promise<string> {
  const response = await send('POST', '/diagnose', { key, body: { text }, headers })
  return JSON.stringify([response.status, [...response.headers], response.text])
}

describe('POST /diagnose: secrets', () => {
  test('no log, record, error or response repeats a text', async () => {
    const counter = await newCounter({ metrics: true })
    const { storage, keys, fetch, tokens } = counter
    const secret = apiKeySecret('sk', 'live')
    const canary = 'Canary7Xq2Canary7Xq2'
    const texts = [
      secret,
      `whsec_${canary}`,
      `-----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----`,
      canary,
      `${canary}@example.com`,
      `eyJ${canary}`,
      `${tokens['good']!.slice(0, 300)}${canary}`,
      `Request-Id: ${canary}`,
      `\0${canary}`,
      canary.repeat(5_000),
      [canary],
    ]
    const lines: string[] = []
    const sink = (record: unknown): void => void lines.push(JSON.stringify(record))
    await configure({
      reset: true,
      sinks: { sink },
      loggers: [
        { category: 'heartwood', sinks: ['sink'], lowestLevel: 'debug' },
        { category: ['logtape', 'meta'], sinks: [] },
      ],
    })
    const stored = await dump(storage)
    const outputs: string[] = []
    for (const text of texts)
      outputs.push(await outputOf(counter, keys.sk, text, { 'idempotency-key': 'once' }))
    await reset()
    outputs.push(await (await fetch(new Request('http://localhost/metrics'))).text(), ...lines)
    assert.ok(lines.length >= texts.length, `${lines.length} lines`)
    for (const output of outputs) {
      assert.equal(output.includes(canary), false, output)
      assert.equal(output.includes(secret.slice(8, -4)), false, output)
    }
    const withoutUse = (text: string): string => text.replaceAll(/"lastUsedAt":\d+/g, '"lastUsedAt":null')
    assert.equal(withoutUse(await dump(storage)), withoutUse(stored))
    assert.equal(await storage.countStoredResponses(), 0)
  })

  test('an Idempotency-Key counts for nothing: each request is diagnosed anew', async () => {
    const { send, keys, licenses, licensing } = await newCounter()
    const { id } = licenses['good']!
    const headers = { 'idempotency-key': 'again' }
    const ask = (text: string) => send('POST', '/diagnose', { key: keys.sk, headers, body: { text } })
    assert.equal((await ask(id)).data<Diagnosis>().cause, null)
    await licensing.licenses.revoke(app, id)
    assert.equal((await ask(id)).data<Diagnosis>().cause, 'license_revoked')
    const other = await ask('another text')
    assert.deepEqual([other.status, other.headers.get('idempotent-replayed')], [200, null])
  })

  test('a pk key gets no token and no jti, whatever it asks', async () => {
    const counter = await oneCounter()
    for (const each of cases) {
      const output = await outputOf(counter, counter.keys.pk, await each.text(deskOf(counter)))
      assert.doesNotMatch(output, new RegExp(tokenStart), each.name)
      assert.doesNotMatch(output, /lic_[0-9a-z]{58}/, each.name)
    }
  })
})

describe('POST /diagnose: rights', () => {
  test('only a secret key learns the cause of a revocation', async () => {
    const { client, tokens } = await oneCounter()
    const causes = async (rights: NewApiKey): Promise<readonly unknown[]> => {
      const { diagnose } = await client(rights)
      const texts = [tokens['released']!, tokens['of revoked key']!]
      return Promise.all(texts.map(async (text) => (await diagnose({ text })).cause))
    }
    assert.deepEqual(await causes({}), ['seat_given_back', 'license_key_revoked'])
    assert.deepEqual(await causes({ type: 'pk' }), ['seat_lost', 'license_revoked'])
  })

  test('a bound key learns nothing of other apps: known and unknown things read alike', async () => {
    const counter = await oneCounter()
    const { client, tokens, licenses, licensing, customers } = counter
    const { diagnose } = await client({ app: 'test-app', mode: 'test' })
    const { key } = await licensing.licenseKeys.create('other-app', {
      customerId: customers['other-app']!,
      tierId: 'pro',
      forever: true,
    })
    const claims = claimsOf(tokens['good']!)
    const pairs: readonly (readonly [known: string, unknown: string])[] = [
      [
        await forge(claims, testKeyPairs[0]!.privateKeyPem),
        await forge({ ...claims, aud: 'no-such-app' }, testKeyPairs[0]!.privateKeyPem),
      ],
      [tokens['good']!, await forge({ ...claims, aud: 'no-such-app' }, testKeyPairs[0]!.privateKeyPem)],
      [licenses['good']!.id, 'lic_01kfnb4zd5fd8rh1b9p2xj3t6y'],
      [licenses['good']!.installationId, crypto.randomUUID()],
      [claims.jti, `${licenses['good']!.id}${'0'.repeat(32)}`],
      [customers['bob']!, 'cus_01kfnb4zd5fd8rh1b9p2xj3t6y'],
      ['bob@example.com', 'nobody@example.com'],
      ['user-42', 'user-43'],
      [key, rightKey],
      [counter.kids['active']!, 'k'.repeat(43)],
      ['other-app', 'no-such-app'],
    ]
    for (const [known, unknown] of pairs) {
      const answers = [await diagnose({ text: known }), await diagnose({ text: unknown })]
      const shown = answers.map((answer) => JSON.stringify(answer).replaceAll(/"length":\d+/g, ''))
      assert.equal(shown[0], shown[1])
    }
  })

  test('a key without the right to read a noun is told so, and no more', async () => {
    const { client, customers } = await oneCounter()
    const { diagnose } = await client({ scopes: ['licenses:read'] })
    for (const [text, scope] of [
      [rightKey, 'license_keys:read'],
      [customers['bob']!, 'customers:read'],
      ['bob@example.com', 'customers:read'],
      ['k'.repeat(43), 'catalogue:read'],
    ] as const) {
      const diagnosis = await diagnose({ text })
      assert.equal(diagnosis.cause, 'no_access')
      assert.match(JSON.stringify(diagnosis.checks), new RegExp(scope))
    }
  })

  test('the e-mail of a customer is only for a key that may read customers', async () => {
    const { client, tokens } = await oneCounter()
    const text = tokens['good']!
    const shows = async (scopes: readonly Scope[]): Promise<boolean> =>
      JSON.stringify(await (await client({ scopes })).diagnose({ text })).includes('bob@example.com')
    assert.equal(await shows(['licenses:read']), false)
    assert.equal(await shows(['licenses:read', 'customers:read']), true)
  })

  test('failed license keys count as everywhere, and a good one never does', async () => {
    const counter = await newCounter({ rateLimits: {}, clientAddress: () => '192.0.2.1' })
    const { send, keys: apiKeys } = counter
    const ask = async (text: string): Promise<number> =>
      (await send('POST', '/diagnose', { key: apiKeys.sk, body: { text } })).status
    const good = counter.sold['good']!.key
    for (let at = 0; at < 20; at++) assert.equal(await ask(wrongKey), 200)
    assert.equal(await ask(wrongKey), 429)
    for (let at = 0; at < 30; at++) assert.equal(await ask(good), 200)
    const verified = await send('POST', `/apps/${app}/license-keys/verify`, {
      body: { license_key: wrongKey },
    })
    assert.equal(verified.status, 429)
  })
})

describe('POST /diagnose: bad input', () => {
  test('a text that is too long, empty, missing or no text is 422, and a body that is too long 413', async () => {
    const { send, keys } = await oneCounter()
    const status = async (body: object | string): Promise<number> =>
      (await send('POST', '/diagnose', { key: keys.sk, body })).status
    assert.equal(await status({ text: 'a'.repeat(65_536) }), 200)
    assert.equal(await status({ text: 'a'.repeat(65_537) }), 422)
    assert.equal(await status({ text: 'é'.repeat(32_768) }), 200)
    assert.equal(await status({ text: 'é'.repeat(32_769) }), 422)
    assert.equal(await status({ text: '' }), 422)
    assert.equal(await status({}), 422)
    assert.equal(await status({ text: 5 }), 422)
    assert.equal(await status({ text: '\ud800' }), 422)
    assert.equal(await status({ text: 'a', app: 'desktop-app' }), 422)
    assert.equal(await status({ text: 'a'.repeat(300_000) }), 413)
  })
})
