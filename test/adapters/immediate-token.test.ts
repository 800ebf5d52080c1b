import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createLicensing, type Licensing } from '../../src/core/index.ts'
import { immediateReadsOf } from '../../src/core/storage/immediate-reads.ts'
import { day, installation, masterKey, tokenOf } from '../support/fixtures.ts'
import { testKeyPairs } from '../support/keys.ts'
import { claimsOf, forge } from '../support/tokens.ts'
import { rawRequest, whileListening } from './listening.ts'
import { hasOneConnection, options, seenOf, withPair, type Pair } from './server-pair.ts'

const path = '/api/v1/apps/desktop-app/licenses/verify'
const json = { 'content-type': 'application/json' }

interface Sent {
  readonly body: string | Uint8Array<ArrayBuffer>
  readonly headers?: Readonly<Record<string, string>>
  readonly path?: string
}

function requestOf({ body, headers = json, path: sentPath = path }: Sent, announced: boolean): Request {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  const length = announced ? { 'content-length': `${bytes.length}` } : {}
  const given = { 'x-request-id': 'request-1', host: 'localhost', ...length, ...headers }
  return new Request(`http://localhost${sentPath}`, { method: 'POST', headers: given, body: bytes })
}

/** Requests with the token, and requests that have it in another form or not at all. */
function requestsWith(token: string, others: readonly string[]): readonly Sent[] {
  const body = JSON.stringify({ token })
  const changed = `${token.slice(0, -8)}AAAAAAAA`
  const texts = [
    changed,
    `${token} `,
    token.slice(1),
    '',
    '.',
    'a.b.c',
    'x'.repeat(40_000),
    '\u0000',
    ...others,
  ]
  return [
    ...[
      body,
      `\uFEFF${body}`,
      ` ${body}\n`,
      `{"token":"${token}","other":1}`,
      `{"token":"x","token":"${token}"}`,
    ].map((text) => ({ body: text })),
    ...texts.map((text) => ({ body: JSON.stringify({ token: text }) })),
    ...['', ' ', '{', 'null', '[]', '1', '{}', '{"token":1}', '{"token":null}', '{"token":"\\ud800"}'].map(
      (text) => ({
        body: text,
      }),
    ),
    { body: `${' '.repeat(5_000)}${body}` },
    { body: 'x'.repeat(300_000) },
    { body: Uint8Array.from([0x7b, 0xff, 0x7d]) },
    { body: Uint8Array.from([0xff, 0xfe, 0x7b, 0x00]) },
    { body, headers: { 'content-type': 'text/plain' } },
    { body, headers: { 'content-type': 'application/json; charset=utf-8' } },
    { body, headers: {} },
    {
      body,
      headers: {
        ...json,
        authorization: 'Bearer sk_live_x',
        'idempotency-key': 'a',
        origin: 'https://a.example',
      },
    },
    { body, path: `${path}?a=1` },
    { body, path: `${path}/` },
    { body, path: path.replace('desktop-app', 'other-app') },
    { body, path: path.replace('desktop-app', 'no-app') },
    { body, path: path.replace('desktop-app', 'Desktop_App') },
  ]
}

async function holdsBothEqual(
  { direct, general }: Pair,
  sent: readonly Sent[],
  moment: string,
): Promise<void> {
  for (const each of sent)
    for (const announced of [true, false]) {
      const one = await seenOf(await direct(requestOf(each, announced)))
      const another = await seenOf(await general(requestOf(each, announced)))
      assert.deepEqual(one, another, `${moment}: ${String(each.body).slice(0, 60)}`)
    }
}

async function codeAt(server: Pair['direct'], token: string): Promise<string> {
  const response = await server(requestOf({ body: JSON.stringify({ token }) }, true))
  const { data, error } = (await response.json()) as {
    data?: { code: string | null }
    error?: { code: string }
  }
  return data === undefined ? error!.code : (data.code ?? 'ok')
}

/** Licensing over the second connection, as another process has it. */
function inOtherProcess({ other, clock }: Pair): Promise<Licensing> {
  return createLicensing({ storage: other, masterKey, now: () => clock.seconds * 1000 })
}

async function runOtherProcess({ filename }: Pair, name: 'rotate' | 'delete'): Promise<void> {
  const script = fileURLToPath(new URL('other-process.ts', import.meta.url))
  const flags = 'Deno' in globalThis ? ['run', '-A', '--no-check', '--no-lock'] : []
  const child = spawn(process.execPath, [...flags, script, filename, name], { stdio: 'inherit' })
  assert.deepEqual((await once(child, 'exit'))[0], 0)
}

async function replaceApp({ apps }: Licensing): Promise<void> {
  await apps.delete('desktop-app')
  await apps.create({ name: 'Again', slug: 'desktop-app' }, { keyPair: testKeyPairs[0]! })
}

type Change = (pair: Pair, licenseId: string) => Promise<string>

/** Each changes what a token is worth that both servers have verified before, and tells the code that it then has. */
const moments: Readonly<Record<string, Change>> = {
  active: async () => 'ok',
  expired: async ({ clock }) => {
    clock.seconds += 30 * day
    return 'token_expired'
  },
  'with the clock set back': async ({ clock }) => {
    clock.seconds -= 10 * day
    return 'ok'
  },
  revoked: async ({ licensing }, id) => {
    await licensing.licenses.revoke('desktop-app', id)
    return 'license_revoked'
  },
  'revoked over another connection': async (pair, id) => {
    await (await inOtherProcess(pair)).licenses.revoke('desktop-app', id)
    return 'license_revoked'
  },
  'given back': async ({ storage, app, clock }, id) => {
    const { version } = (await storage.findLicense(app.id, id))!
    await storage.updateLicense(id, version, { revokedAt: clock.seconds, revokedCause: 'released' })
    return 'license_released'
  },
  superseded: async ({ licensing }, id) => {
    await licensing.licenses.regenerate('desktop-app', id)
    return 'ok'
  },
  invalidated: async ({ licensing }, id) => {
    await licensing.licenses.regenerate('desktop-app', id, { invalidatePrevious: true })
    return 'invalid_token'
  },
  'while its customer is being deleted': async ({ storage, app, clock }, id) => {
    const { customerId } = (await storage.findLicense(app.id, id))!
    const deletion = { id: customerId, appId: app.id, kind: 'customer', startedAt: clock.seconds } as const
    assert.equal(await storage.beginDeletion(deletion, 0), 'begun')
    return 'not_found'
  },
  'while its app is being deleted': async ({ other, app, clock }) => {
    const deletion = { id: app.id, appId: app.id, kind: 'app', startedAt: clock.seconds } as const
    assert.equal(await other.beginDeletion(deletion, 0), 'begun')
    return 'not_found'
  },
  'after a rotation': async ({ licensing }) => {
    await licensing.rotateKeys('desktop-app')
    return 'invalid_token'
  },
  'after a rotation over another connection': async (pair) => {
    await (await inOtherProcess(pair)).rotateKeys('desktop-app', {}, testKeyPairs[3]!)
    return 'invalid_token'
  },
  'after a rotation by another process': async (pair) => {
    await runOtherProcess(pair, 'rotate')
    return 'invalid_token'
  },
  'in a grace period': async (pair) => {
    await (await inOtherProcess(pair)).rotateKeys('desktop-app', { gracePeriodDays: 1 }, testKeyPairs[3]!)
    return 'ok'
  },
  'after a grace period': async ({ licensing, clock }) => {
    await licensing.rotateKeys('desktop-app', { gracePeriodDays: 1 })
    clock.seconds += day
    return 'invalid_token'
  },
  'after a grace period that another rotation ended': async (pair) => {
    const other = await inOtherProcess(pair)
    await other.rotateKeys('desktop-app', { gracePeriodDays: 90 }, testKeyPairs[3]!)
    await other.rotateKeys('desktop-app', {}, testKeyPairs[4]!)
    return 'invalid_token'
  },
  'after the app was renamed over another connection': async (pair) => {
    await (await inOtherProcess(pair)).apps.update('desktop-app', { name: 'Other name' })
    return 'ok'
  },
  'after the app was deleted': async ({ licensing }) => {
    await licensing.apps.delete('desktop-app')
    return 'not_found'
  },
  'after another process deleted the app': async (pair) => {
    await runOtherProcess(pair, 'delete')
    return 'not_found'
  },
  'after another app has taken slug and keys': async ({ licensing }) => {
    await replaceApp(licensing)
    return 'invalid_token'
  },
  'after another app has taken slug and keys over another connection': async (pair) => {
    await replaceApp(await inOtherProcess(pair))
    return 'invalid_token'
  },
}

for (const [moment, change] of Object.entries(moments))
  test(`POST verify at once and by a promise: the same response, ${moment}`, async () => {
    await withPair(async (pair) => {
      await pair.licensing.apps.create({ name: 'Other', slug: 'other-app' }, { keyPair: testKeyPairs[0]! })
      const license = await pair.issue({ installationId: installation(1) })
      const token = tokenOf(license)
      for (const server of [pair.direct, pair.general, pair.direct, pair.general])
        assert.equal(await codeAt(server, token), 'ok')
      const expected = await change(pair, license.id)
      for (const server of [pair.direct, pair.direct, pair.general, pair.general])
        assert.equal(await codeAt(server, token), expected)
      const claims = claimsOf(token)
      const forged = [
        await forge(claims, testKeyPairs[1]!.privateKeyPem),
        await forge({ ...claims, tier: 'other' }, testKeyPairs[0]!.privateKeyPem),
        await forge({ ...claims, jti: `${license.id}${'0'.repeat(32)}` }, testKeyPairs[0]!.privateKeyPem),
        await forge({ ...claims, aud: 'other-app' }, testKeyPairs[0]!.privateKeyPem),
      ]
      const bodies = [token, ...forged].map((text) => ({ body: JSON.stringify({ token: text }) }))
      await holdsBothEqual(pair, moment === 'active' ? requestsWith(token, forged) : bodies, moment)
    })
  })

test('POST verify: a change that another connection has not committed shows in neither way', async () => {
  await withPair(async (pair) => {
    const license = await pair.issue({ installationId: installation(1) })
    const token = tokenOf(license)
    assert.equal(await codeAt(pair.direct, token), 'ok')
    await pair.other.transaction(async (tx) => {
      await tx.deleteApp(pair.app.id)
      for (const server of [pair.direct, pair.general]) assert.equal(await codeAt(server, token), 'ok')
    })
    for (const server of [pair.direct, pair.general]) assert.equal(await codeAt(server, token), 'not_found')
  })
})

test('POST verify: an app that appears later is found at once', async () => {
  await withPair(async (pair) => {
    const ask = (): Promise<Response> =>
      pair.direct(requestOf({ body: '{"token":"x"}', path: path.replace('desktop-app', 'late-app') }, true))
    assert.equal((await ask()).status, 404)
    const other = await inOtherProcess(pair)
    await other.apps.create({ name: 'Late', slug: 'late-app' }, { keyPair: testKeyPairs[0]! })
    assert.equal((await ask()).status, 200)
  })
})

test('POST verify beyond its limit: 429 before the body in both ways, and the metrics count every response', async () => {
  await withPair(
    async ({ direct, general, issue }) => {
      const body = JSON.stringify({ token: tokenOf(await issue()) })
      for (const server of [direct, general]) {
        const ask = (): Promise<Response> => server(requestOf({ body }, true))
        const statuses = [(await ask()).status, (await ask()).status, (await ask()).status]
        assert.deepEqual(statuses, [200, 200, 429])
        const metrics = await (await server(new Request('http://localhost/metrics'))).text()
        const route = 'route="/api/v1/apps/:slug/licenses/verify"'
        assert.match(
          metrics,
          new RegExp(`heartwood_http_requests_total\\{method="POST",${route},status="200"\\} 2`),
        )
        assert.match(metrics, /heartwood_http_rate_limited_total\{limit="verify"\} 1/)
      }
    },
    { ...options, rateLimits: { verify: 2 } },
  )
})

test('POST verify on a closed storage: unavailable in both ways', async () => {
  await withPair(async (pair) => {
    const token = tokenOf(await pair.issue())
    for (const server of [pair.direct, pair.general]) assert.equal(await codeAt(server, token), 'ok')
    await pair.storage.close()
    await holdsBothEqual(pair, [{ body: JSON.stringify({ token }) }], 'closed')
    assert.equal(await codeAt(pair.direct, token), 'unavailable')
  })
})

test('POST verify over a port: the bytes are the same in both ways', async () => {
  await withPair(async (pair) => {
    const body = JSON.stringify({ token: tokenOf(await pair.issue()) })
    const received: string[] = []
    for (const fetch of [pair.direct, pair.general])
      await whileListening({ fetch }, async ({ exchange }) => {
        const headers = [
          'X-Request-Id: request-1',
          'Content-Type: application/json',
          `Content-Length: ${body.length}`,
        ]
        received.push(await exchange(rawRequest(`POST ${path}`, headers, body)))
      })
    const [one, another] = received.map((text) => text.replace(/;t=\d+|\r\ndate: [^\r]*/gi, ''))
    assert.match(one!, /^HTTP\/1.1 200 [^]*"valid":true/)
    assert.equal(one, another)
  })
})

test('POST verify: a body that is longer than it was announced is read to its end, or refused', async () => {
  await withPair(async ({ direct, issue }) => {
    const body = JSON.stringify({ token: tokenOf(await issue()) })
    const ask = (text: string, length: number): Promise<Response> =>
      direct(requestOf({ body: text, headers: { ...json, 'content-length': `${length}` } }, false))
    assert.equal((await ask(body, 10)).status, 200)
    assert.equal((await ask(body, body.length + 10)).status, 200)
    assert.equal((await ask(`${' '.repeat(20_000)}${body}`, 10)).status, 200)
    assert.equal((await ask('x'.repeat(300_000), 10)).status, 413)
    assert.equal((await ask(body, 300_000)).status, 413)
  })
})

test('POST verify over a port: a body in two pieces', async () => {
  await withPair(async ({ direct, issue }) => {
    const body = JSON.stringify({ token: tokenOf(await issue()) })
    await whileListening({ fetch: direct }, async ({ origin }) => {
      const pieces = new ReadableStream({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode(body.slice(0, 100)))
          await new Promise((resolve) => setTimeout(resolve, 20))
          controller.enqueue(new TextEncoder().encode(body.slice(100)))
          controller.close()
        },
      })
      const sent = { method: 'POST', headers: json, body: pieces, duplex: 'half' } as RequestInit
      const response = await fetch(`${origin}${path}`, sent)
      assert.equal(((await response.json()) as { data: { valid: boolean } }).data.valid, true)
    })
  })
})

test('verifyTokenDirectly(): a promise only where a signature takes long, and over a wrapper of the storage', async () => {
  await withPair(async ({ licensing, storage, issue, clock }) => {
    const token = tokenOf(await issue())
    assert.equal(immediateReadsOf(storage) === undefined, await hasOneConnection())
    if (await hasOneConnection()) return
    const unseen = licensing.verification.verifyTokenDirectly('desktop-app', token)
    assert.equal(unseen instanceof Promise, 'Deno' in globalThis)
    assert.equal((await unseen).valid, true)
    const seen = licensing.verification.verifyTokenDirectly('desktop-app', token)
    assert.equal(seen instanceof Promise, false)
    const wrapper = Object.create(storage) as typeof storage
    const calls: string[] = []
    wrapper.listSigningKeys = async (appId) => {
      calls.push(appId)
      return storage.listSigningKeys(appId)
    }
    const wrapped = await createLicensing({ storage: wrapper, masterKey, now: () => clock.seconds * 1000 })
    const general = wrapped.verification.verifyTokenDirectly('desktop-app', token)
    assert.ok(general instanceof Promise)
    assert.equal((await general).valid, true)
    assert.equal(calls.length, 1)
  })
})
