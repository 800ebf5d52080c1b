import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createLicenseClient,
  LicensingError,
  memoryStore,
  type LicenseClientOptions,
} from '../../src/client/index.ts'
import { createTestServer, type TestServer } from '../../src/testing/server.ts'

type Options = Partial<LicenseClientOptions>

async function open(server: TestServer, options: Options) {
  const given = { ...(await server.clientOptions()), store: memoryStore(), background: false, ...options }
  return { client: await createLicenseClient(given) }
}

/** The code of the error that a call ends with. */
async function endOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => null,
    (error: unknown) => (error instanceof LicensingError ? error.code : error),
  )
}

/** A program whose license key the server answers with a body of the test. */
async function answered(
  server: TestServer,
  body: (own: string) => unknown,
  status = 200,
  options: Options = {},
) {
  const { fetch } = await server.clientOptions()
  const { key } = await server.sell()
  const program = await open(server, {
    ...options,
    fetch: async (url, init) => {
      const real = (await (await fetch(url, init)).json()) as { readonly data?: { readonly token?: string } }
      return new Response(JSON.stringify(body(real.data?.token ?? '')), { status })
    },
  })
  return { ...program, key }
}

test('activate(): takes no token of another app, another installation or nobody, and keeps the license', async () => {
  const server = await createTestServer()
  const stranger = await createTestServer({ app: 'other-app' })
  const held = await server.issue()
  const others = [(await stranger.issue()).token, (await server.issue()).token]
  const unsigned = `${btoa('{"alg":"none","typ":"JWT"}')}.${others[1]!.split('.')[1]}.`
  const error = (code: string) => ({ error: { code, message: 'No' } })
  const answers: readonly (readonly [body: (own: string) => unknown, status: number, code: string])[] = [
    [() => ({ data: { token: others[0] } }), 201, 'invalid_token'],
    [() => ({ data: { token: others[1] } }), 201, 'invalid_token'],
    [() => ({ data: { token: held.token } }), 200, 'invalid_token'],
    [() => ({ data: { token: unsigned } }), 201, 'unavailable'],
    [(own) => ({ data: { token: `${own}x` } }), 201, 'unavailable'],
    [() => ({ data: { token: 7 } }), 200, 'unavailable'],
    [() => ({ data: null }), 200, 'unavailable'],
    [() => error('seat_limit_reached'), 400, 'unavailable'],
    [() => error('seat_limit_reached'), 409, 'seat_limit_reached'],
    [() => error('invalid_license_key'), 401, 'invalid_license_key'],
    [() => error('conflict'), 409, 'conflict'],
    [() => error('constructor'), 409, 'unavailable'],
  ]
  for (const [body, status, code] of answers) {
    const { client, key } = await answered(server, body, status, { token: held.token })
    assert.equal(await endOf(client.activate(key)), code, `${status} ${code}`)
    assert.equal(client.license.claims?.jti !== undefined && client.license.state, 'active')
    assert.equal(client.license.licenseId, held.id)
  }
})

test('seats(): anything but a list of seats is an outage', async () => {
  const server = await createTestServer()
  for (const data of [{}, null, [7], [{}], [{ license_id: 7 }], 'seats']) {
    const { client, key } = await answered(server, () => ({ data }))
    await client.activate(key).catch(() => undefined)
    assert.equal(await endOf(client.seats()), 'unavailable', JSON.stringify(data))
  }
})

test('activate(): an older token of this installation brings no released license back', async () => {
  const server = await createTestServer()
  const { key } = await server.sell()
  const { fetch } = await server.clientOptions()
  const replies: string[] = []
  const { client } = await open(server, {
    fetch: async (url, init) => {
      if (replies.length > 1) return new Response(replies[0])
      const text = await (await fetch(url, init)).text()
      replies.push(text)
      return new Response(text)
    },
  })
  await client.activate(key)
  await client.release()
  assert.equal(await endOf(client.activate()), 'unavailable')
  assert.equal(client.license.state, 'invalid')
})
