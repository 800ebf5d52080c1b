import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { beginRequest } from './begin-request.ts'
import { masterKey } from '../support/fixtures.ts'
import { ask, emptyFolder, heartwood, spawnHeartwood, startServer, type Way } from './heartwood.ts'

const runtimes: readonly Way[] = ['Bun', 'Deno', 'Node']

for (const way of runtimes)
  test(`heartwood serve on ${way}: SIGTERM lets an open request finish, even if it comes twice, and exits with 0`, async (t) => {
    const cwd = emptyFolder(t)
    const server = await startServer(t, { cwd, way, env: { HEARTWOOD_LOG: 'off' } })
    const finish = await beginRequest(server, '/api-keys', '{"type": "sk", "mode": "live"}')
    await setTimeout(500)
    const stopping = server.stop()
    await setTimeout(250)
    server.process.kill('SIGTERM')
    await setTimeout(250)
    assert.match(await finish(), /^HTTP\/1\.1 201 /)
    assert.deepEqual(await stopping.then(({ code, stderr }) => ({ code, stderr })), { code: 0, stderr: '' })
    await assert.rejects(fetch(`${server.url}/api/health`))
  })

for (const way of runtimes)
  test(`heartwood serve on ${way}: SIGTERM ends it while it still starts, with 0`, async (t) => {
    const silent = createServer().listen(0, '127.0.0.1')
    t.after(() => silent.close())
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const env = {
      HEARTWOOD_DATABASE: `postgres://vendor:secret@127.0.0.1:${port}/vendor`,
      HEARTWOOD_MASTER_KEY: masterKey,
    }
    const server = spawnHeartwood(['serve', '--port', '0'], { cwd: emptyFolder(t), way, env })
    const [socket] = (await once(silent, 'connection')) as [Socket]
    socket.on('error', () => {})
    server.kill('SIGTERM')
    assert.deepEqual(await once(server, 'exit'), [0, null])
  })

for (const way of runtimes)
  test(`heartwood serve on ${way}: refuses a too large Content-Length with the error envelope`, async (t) => {
    const server = await startServer(t, { cwd: emptyFolder(t), way, env: { HEARTWOOD_LOG: 'off' } })
    const { hostname, port } = new URL(server.url)
    const socket = connect({ host: hostname, port: Number(port) })
    let response = ''
    socket.on('data', (chunk) => (response += String(chunk)))
    socket.on('error', () => {})
    const headers = [`host: ${hostname}`, `authorization: Bearer ${server.key}`, 'content-length: 200000000']
    socket.write(`POST /api/v1/apps HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n{`)
    while (!response.includes('"body_too_large"')) await once(socket, 'data')
    assert.match(response, /^HTTP\/1\.1 413 [\s\S]*x-request-id: /i)
    socket.destroy()
  })

for (const way of runtimes)
  test(`heartwood serve on ${way}: a port in use is an error of one line and exit code 1`, async (t) => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    t.after(() => taken.close())
    const port = String((taken.address() as AddressInfo).port)
    const { code, stderr } = await heartwood(['serve', '--port', port], { cwd: emptyFolder(t), way })
    assert.equal(code, 1)
    assert.match(stderr, /^heartwood: Cannot listen on 127\.0\.0\.1 port \d+: another program [^\n]+\n$/)
  })

test('heartwood serve: a port in use does not lose the first key', async (t) => {
  const cwd = emptyFolder(t)
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const port = String((taken.address() as AddressInfo).port)
  const refused = await heartwood(['serve', '--port', port], { cwd })
  assert.match(
    refused.stdout,
    /^Created the master key heartwood\.key\. [^\n]+\nCreated the database heartwood\.db\.\n$/,
  )
  taken.close()
  assert.match((await startServer(t, { cwd })).key ?? '', /^sk_live_/)
})

test('heartwood serve: a flag wins over the environment', async (t) => {
  const cwd = emptyFolder(t)
  const env = { PORT: '1', HOST: '192.0.2.1', HEARTWOOD_DATABASE: 'unused.db' }
  const server = await startServer(t, { cwd, env }, ['--host', '127.0.0.1', '--database', 'used.db'])
  assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/)
  const { stdout } = await server.stop()
  assert.match(stdout, /^Created the master key used\.key\. [^\n]+\nCreated the database used\.db\.\n/)
})

for (const way of runtimes)
  test(`heartwood serve on ${way}: serves /metrics only if HEARTWOOD_METRICS is on`, async (t) => {
    for (const [setting, status] of [
      ['on', 200],
      ['off', 404],
      ['', 404],
    ] as const) {
      const env = { HEARTWOOD_METRICS: setting, HEARTWOOD_LOG: 'off' }
      const server = await startServer(t, { cwd: emptyFolder(t), way, env })
      await ask(server, '/apps', { key: server.key })
      const response = await fetch(`${server.url}/metrics`)
      assert.equal(response.status, status, setting)
      const text = await response.text()
      if (status === 200) assert.match(text, /\{method="GET",route="\/api\/v1\/apps",status="200"\} 1\n/)
      assert.equal(text.includes(server.key ?? 'no key'), false)
      assert.equal((await server.stop()).code, 0)
    }
  })

test('heartwood serve: HEARTWOOD_PUBLIC_URL is the first server of the OpenAPI document', async (t) => {
  const env = { HEARTWOOD_PUBLIC_URL: 'https://licenses.example/' }
  const server = await startServer(t, { cwd: emptyFolder(t), env })
  const response = await fetch(`${server.url}/swagger/json`)
  const { servers } = (await response.json()) as { servers: readonly { readonly url: string }[] }
  assert.equal(servers[0]?.url, 'https://licenses.example')
})

test('heartwood serve: reports its health and logs no secret', async (t) => {
  const cwd = emptyFolder(t)
  const server = await startServer(t, { cwd, env: { HEARTWOOD_LOG: 'json' } })
  const health = await fetch(`${server.url}/api/health`)
  assert.equal(health.status, 200)
  await ask(server, '/apps', { key: server.key })
  await ask(server, '/apps', { key: 'sk_live_wrong' })
  const { stderr } = await server.stop()
  for (const line of stderr.split('\n').filter(Boolean)) assert.doesNotThrow(() => JSON.parse(line))
  assert.doesNotMatch(stderr, /[sp]k_(live|test)_|eyJ/)
})

for (const way of runtimes)
  test(`heartwood serve on ${way}: limits requests by address, as the environment says`, async (t) => {
    const limited = { HEARTWOOD_RATE_LIMITS: '{"public_key": 2}', HEARTWOOD_TRUSTED_PROXIES: '127.0.0.1' }
    const server = await startServer(t, { cwd: emptyFolder(t), way, env: limited })
    const from = async (address: string): Promise<number> => {
      const headers = { 'x-forwarded-for': address }
      return (await fetch(`${server.url}/api/v1/apps/my-app/public-key`, { headers })).status
    }
    const [one, other] = ['192.0.2.1', '192.0.2.2']
    const statuses = [await from(one), await from(one), await from(one), await from(other)]
    assert.deepEqual(statuses, [404, 404, 429, 404])
  })

test('heartwood serve: HEARTWOOD_RATE_LIMITS=off turns the limits off', async (t) => {
  const server = await startServer(t, { cwd: emptyFolder(t), env: { HEARTWOOD_RATE_LIMITS: 'off' } })
  const response = await ask(server, '/apps/my-app/public-key')
  assert.equal(response.headers.get('ratelimit'), null)
})

test('heartwood serve: HEARTWOOD_CORS_ORIGINS takes the origins of web views', async (t) => {
  const origins = [
    'https://shop.example',
    'tauri://localhost',
    'capacitor://localhost',
    'chrome-extension://abc',
  ]
  const env = { HEARTWOOD_CORS_ORIGINS: origins.join(', ') }
  const server = await startServer(t, { cwd: emptyFolder(t), env })
  for (const origin of [...origins, 'ionic://localhost']) {
    const headers = { origin, 'access-control-request-method': 'GET' }
    const { headers: sent } = await fetch(`${server.url}/api/v1/apps`, { method: 'OPTIONS', headers })
    const allowed = origins.includes(origin) ? origin : null
    assert.equal(sent.get('access-control-allow-origin'), allowed, origin)
  }
})

test('heartwood serve: an unknown path gets the documented 404', async (t) => {
  const server = await startServer(t, { cwd: emptyFolder(t) })
  const response = await fetch(`${server.url}/nowhere`)
  assert.equal(response.status, 404)
  assert.equal(((await response.json()) as { error: { code: string } }).error.code, 'no_such_route')
})
