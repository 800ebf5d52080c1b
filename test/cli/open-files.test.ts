import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { ask, emptyFolder, startServer, ways, type RunningServer, type Way } from './heartwood.ts'

const openFiles = 300
const visitors = 400

function visit({ url }: RunningServer): Socket {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on('error', () => {})
  socket.write('GET /api/health HTTP/1.1\r\nHost: localhost\r\n')
  return socket
}

async function isServed(server: RunningServer): Promise<boolean> {
  const request = ask(server, '/apps', { key: server.key }).then(({ ok }) => ok)
  return Promise.race([request.catch(() => false), setTimeout(2000, false, { ref: false })])
}

/** Takes every file that the server may open, and waits until it serves others. */
async function exhaust(server: RunningServer): Promise<void> {
  const sockets = Array.from({ length: visitors }, () => visit(server))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  for (let tries = 0; !(await isServed(server)); tries += 1) {
    assert.equal(server.process.exitCode, null, 'The server ended')
    assert.ok(tries < 120, 'The server serves nobody')
    await setTimeout(500)
  }
  for (const socket of sockets) socket.destroy()
}

test('heartwood serve: outlives visitors who take every file that it may open', async (t) => {
  const work = (['Bun', 'Deno', 'Node'] satisfies Way[]).map(async (way) => {
    const command = ['sh', '-c', `ulimit -n ${openFiles} && exec "$@"`, 'sh', ...ways[way], 'serve']
    const env = { HEARTWOOD_LOG: 'json' }
    const server = await startServer(t, { cwd: emptyFolder(t), env, command })
    await exhaust(server)
    const { code, stderr } = await server.stop()
    assert.equal(code, 0, way)
    if (way !== 'Bun') assert.match(stderr, /connections are taken/, way)
  })
  await Promise.all(work)
})
