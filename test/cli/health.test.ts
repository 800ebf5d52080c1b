import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { version } from '../../src/adapters/version.ts'
import { emptyFolder, heartwood, startServer, type Disposer, type Way } from './heartwood.ts'

const runtimes: readonly Way[] = ['Bun', 'Deno', 'Node']

/** Starts another program in place of the server. Resolves to its port. */
async function startOther(test: Disposer, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return String((server.address() as AddressInfo).port)
}

for (const way of runtimes)
  test(`heartwood health on ${way}: finds the server by PORT and HOST, past the proxy of the environment`, async (t) => {
    const cwd = emptyFolder(t)
    const server = await startServer(t, { cwd: emptyFolder(t), env: { HOST: '0.0.0.0' } })
    const { port } = new URL(server.url)
    const proxy = 'http://127.0.0.1:1'
    const proxies = { HTTP_PROXY: proxy, http_proxy: proxy, ALL_PROXY: proxy, NO_PROXY: '', no_proxy: '' }
    const env = { HOST: '0.0.0.0', PORT: port, ...proxies }
    const text = await heartwood(['health'], { cwd, way, env })
    const expected = `Heartwood ${version} at http://127.0.0.1:${port} is healthy\n`
    assert.deepEqual(text, { code: 0, stdout: expected, stderr: '' })
    const { stdout } = await heartwood(['health', '--port', port, '--json'], { cwd, way })
    assert.deepEqual(JSON.parse(stdout), { status: 'ok', version, storage: 'ok' })
    await server.stop()
    const { code, stderr } = await heartwood(['health'], { cwd, way, env })
    assert.deepEqual([code, stderr], [1, `heartwood: No server responds at http://127.0.0.1:${port}\n`])
    assert.deepEqual(readdirSync(cwd), [])
  })

const others: Readonly<Record<string, readonly [listener: RequestListener, message: RegExp]>> = {
  'a server without its storage': [
    (_request, response) => response.writeHead(503).end('{"status":"error","storage":"error"}'),
    /^heartwood: The storage of the server at http:\/\/127\.0\.0\.1:\d+ does not respond\n$/,
  ],
  'a page of another program': [
    (_request, response) => response.writeHead(200).end('<!doctype html>'),
    /^heartwood: The program at \S+ is no Heartwood server: it responds with 200\n$/,
  ],
  'JSON of another program': [
    (_request, response) => response.writeHead(404).end('{"status":"ok"}'),
    /^heartwood: The program at \S+ is no Heartwood server: it responds with 404\n$/,
  ],
  'a connection that ends': [
    (request) => request.socket.destroy(),
    /^heartwood: No server responds at http:\/\/127\.0\.0\.1:\d+\n$/,
  ],
  'a program that never responds': [() => {}, /^heartwood: No server responds at \S+\n$/],
}

for (const [fault, [listener, message]] of Object.entries(others))
  test(`heartwood health, for ${fault}: exits with 1 and says so`, async (t) => {
    const port = await startOther(t, listener)
    const { code, stdout, stderr } = await heartwood(['health', '--port', port], { cwd: emptyFolder(t) })
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, message)
  })

test('heartwood health: refuses port 0, which names no server', async (t) => {
  const { code, stderr } = await heartwood(['health'], { cwd: emptyFolder(t), env: { PORT: '0' } })
  assert.equal(code, 1)
  assert.match(stderr, /needs the port of the server/)
})
