import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLicenseClient, type ClientLicense } from '../../src/client/index.ts'
import { licensingServer } from '../../src/adapters/elysia.ts'
import { createTestServer, type TestServer } from '../../src/testing/server.ts'

const day = 86_400

/** The server as `heartwood serve` runs it, which responds to every path. */
async function handle({ licensing }: TestServer, url: string, init: RequestInit): Promise<Response> {
  return licensingServer(licensing, { standalone: true }).fetch(new Request(url, init))
}

/** Lets a program ask by a path that something between it and its server has changed, or answers in the server's place. */
async function ask(
  respond: (url: string, init: RequestInit, server: TestServer) => Promise<Response>,
): Promise<ClientLicense> {
  const server = await createTestServer()
  const { token } = await server.issue({ durationDays: 365 })
  const options = await server.clientOptions()
  const refused: string[] = []
  const fetch: typeof options.fetch = (url, init) => respond(url, init, server)
  const client = await createLicenseClient({ ...options, fetch, token, background: false })
  client.on('refused', ({ code }) => refused.push(code))
  await server.clock.advance(2 * day)
  const license = await client.refresh()
  assert.deepEqual(refused, [])
  return license
}

const changed: Readonly<Record<string, (url: string) => string>> = {
  'a base URL with /api/v1 twice': (url) => url.replace('/api/v1', '/api/v1/api/v1'),
  'a proxy that drops a prefix': (url) => url.replace('/api/v1', '/v1'),
  'a base URL with a path of its own': (url) => url.replace('/api/v1', '/licensing/api/v1'),
  'a proxy that adds a slash': (url) => `${url}/`,
  'an app that the server does not have': (url) => url.replace(/apps\/[^/]+/, 'apps/other-app'),
}

for (const [fault, change] of Object.entries(changed))
  test(`refresh(): ${fault} is a wrong address, and no word about the license`, async () => {
    const license = await ask((url, init, server) => handle(server, change(url), init))
    const { state, action, reason, lastAttempt } = license
    assert.deepEqual([state, action], ['refresh_due', 'contact'])
    assert.match(reason, /wrong address/)
    assert.deepEqual([lastAttempt?.outcome, lastAttempt?.code], ['unreachable', 'no_such_route'])
  })

const envelope = (code: string, message: string): string => JSON.stringify({ error: { code, message } })

const answers: readonly (readonly [status: number, body: string, code: string | null])[] = [
  [404, envelope('no_such_route', 'No such route'), 'no_such_route'],
  // The messages of version 0.1.0, which knew one code.
  [404, envelope('not_found', 'Not found'), 'no_such_route'],
  [404, envelope('not_found', 'App not found'), 'no_such_route'],
  [404, envelope('gone_fishing', 'A code of a later version'), null],
  [404, envelope('license_revoked', 'Another status'), null],
  [400, envelope('no_such_route', 'Another status'), null],
  [404, '{"message":"no Route matched with those values"}', null],
  [404, '', null],
  [410, envelope('not_found', 'License not found'), null],
]

for (const [status, body, code] of answers)
  test(`refresh(): ${status} ${body} never advises a new token`, async () => {
    const { action, lastAttempt } = await ask(async () => new Response(body, { status }))
    assert.deepEqual([lastAttempt?.outcome, lastAttempt?.code], ['unreachable', code])
    assert.equal(action, code === null ? 'refresh' : 'contact')
  })

test('refresh(): the right address puts a wrong one right', async () => {
  const server = await createTestServer()
  const { token } = await server.issue({ durationDays: 365 })
  const options = await server.clientOptions()
  let prefix = '/nowhere'
  const fetch: typeof options.fetch = (url, init) =>
    handle(server, url.replace('/api', `${prefix}/api`), init)
  const client = await createLicenseClient({ ...options, fetch, token, background: false })
  assert.equal((await client.refresh()).action, 'contact')
  prefix = ''
  const { state, action, lastAttempt } = await client.refresh()
  assert.deepEqual([state, action, lastAttempt?.code], ['active', 'none', null])
})
