import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { ConnectionTimeouts } from '../../src/cli/listener.ts'
import { newShop } from '../support/fixtures.ts'
import { rawRequest, whileListening, type Listening } from './listening.ts'
import { sender, serve, type Sent } from './test-server.ts'

const bodyTimeoutMs = 300
const server = await serve(await newShop(), { bodyTimeoutMs })
const key = server.keys.sk

/** An open connection, with all that the server has sent. */
interface Connection {
  readonly socket: Socket
  received: string
}

function open({ port }: Pick<Listening, 'port'>): Connection {
  const connection = { socket: connect({ port, host: '127.0.0.1' }), received: '' }
  connection.socket.on('data', (chunk) => (connection.received += chunk.toString('latin1')))
  connection.socket.on('error', () => {})
  return connection
}

/** Resolves when the connection is closed. A server that closes it while we write is an error before, which `once` would throw. */
function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

/** Writes `first` and then `drop`, again and again. Resolves to all that the server sends until it closes the connection. */
async function untilClosed(listening: Listening, first: string, drop = ''): Promise<string> {
  const connection = open(listening)
  const { socket } = connection
  const closed = closing(socket)
  if (first !== '') socket.write(first)
  const dripping = setInterval(() => void socket.write(drop), 100)
  const isKept = await Promise.race([closed.then(() => false), pause(60_000, true, { ref: false })])
  clearInterval(dripping)
  socket.destroy()
  assert.equal(isKept, false, 'The server keeps the connection')
  return connection.received
}

const halfHead = 'GET /api/health HTTP/1.1\r\nHost: localhost\r\n'
const request = `${halfHead}\r\n`
const ok = /^HTTP\/1.1 200 /
const unsentBody = 'Content-Length: 100000\r\n\r\n'

interface Client {
  readonly first: string
  readonly drop?: string
  readonly receives: RegExp
}

async function assertCut(clients: Readonly<Record<string, Client>>, timeouts: ConnectionTimeouts) {
  await whileListening(
    server,
    async (listening) => {
      const work = Object.entries(clients).map(async ([name, { first, drop, receives }]) =>
        assert.match(await untilClosed(listening, first, drop), receives, name),
      )
      await Promise.all(work)
      assert.equal((await fetch(`${listening.origin}/api/health`)).status, 200)
    },
    timeouts,
  )
}

test('a client that does not go on with a head loses its connection', async () => {
  const receives = /^(HTTP\/1.1 408 .*)?$/s
  const clients: Readonly<Record<string, Client>> = {
    'says nothing': { first: '', receives },
    'sends half a head': { first: halfHead, receives },
    'sends a head drop by drop': { first: `${halfHead}X-Other: `, drop: 'a', receives },
    'sends half a head after a response': { first: request + halfHead, receives: ok },
    'sends it drop by drop': { first: `${request}${halfHead}X-Other: `, drop: 'a', receives: ok },
    'says nothing after a response': { first: request, receives: ok },
  }
  await assertCut(clients, { headMs: 500, bodyMs: 600_000, idleMs: 1000 })
})

test('a client that does not go on with a body after its response loses its connection', async () => {
  const clients: Readonly<Record<string, Client>> = {
    'sends no body': { first: halfHead + unsentBody, receives: ok },
    'sends a body drop by drop': { first: halfHead + unsentBody, drop: 'a', receives: ok },
  }
  await assertCut(clients, { headMs: 500, bodyMs: 500, idleMs: 1000 })
})

test('a client that goes on with a body after its refusal loses its connection, and the server goes on', async () => {
  const post = 'POST /api/v1/apps/desktop-app/licenses/verify HTTP/1.1\r\nHost: localhost\r\n'
  const chunk = `fffff\r\n${' '.repeat(300_000)}`
  const clients: Readonly<Record<string, Client>> = {
    'sends too much in chunks': {
      first: `${post}Transfer-Encoding: chunked\r\n\r\n${chunk}`,
      receives: /^HTTP\/1.1 413 /,
    },
    'sends no body in time': { first: post + unsentBody, receives: /^HTTP\/1.1 408 / },
  }
  await assertCut(clients, { headMs: 500, bodyMs: 500, idleMs: 1000 })
  // The server looks at the connections once more when the time for their bodies is over.
  await pause(1000)
})

/** A body of 300 kB that a route refuses, or does not read. */
const refusedBodies: Readonly<Record<string, readonly [head: string, body: string, receives: RegExp]>> = {
  'of a stated length': [
    'POST /api/v1/apps',
    `Content-Length: 300000\r\n\r\n${' '.repeat(300_000)}`,
    /^HTTP\/1.1 401 .*\nHTTP\/1.1 200 /s,
  ],
  'in chunks': [
    'POST /api/v1/apps/desktop-app/licenses/verify',
    `Transfer-Encoding: chunked\r\n\r\n493e0\r\n${' '.repeat(300_000)}\r\n0\r\n\r\n`,
    /^HTTP\/1.1 413 /,
  ],
}

for (const [body, [line, rest, receives]] of Object.entries(refusedBodies))
  test(`a refused body ${body}: the server takes the next request, or closes the connection`, async () => {
    const timeouts = { headMs: 600_000, bodyMs: 600_000, idleMs: 200_000 }
    await whileListening(
      server,
      async (listening) => {
        const connection = open(listening)
        const closed = closing(connection.socket)
        connection.socket.write(`${line} HTTP/1.1\r\nHost: localhost\r\n${rest}`)
        while (!connection.received.includes('}')) await once(connection.socket, 'data')
        connection.received += '\n'
        connection.socket.write(rawRequest('GET /api/health'))
        await closed
        assert.match(connection.received, receives)
      },
      timeouts,
    )
  })

test('a connection stays open for more than six seconds between two requests', async () => {
  await whileListening(server, async (listening) => {
    const connection = open(listening)
    connection.socket.write(request)
    while (!connection.received.includes('\r\n\r\n')) await once(connection.socket, 'data')
    const closed = closing(connection.socket)
    await pause(6500)
    connection.received = ''
    connection.socket.write(rawRequest('GET /api/health'))
    await closed
    assert.match(connection.received, /^HTTP\/1.1 200 /)
  })
})

describe('a body that takes too long', () => {
  const rows: Readonly<Record<string, readonly [path: string, withKey: boolean]>> = {
    'of a customer': ['/apps/desktop-app/customers', true],
    'of a renewal by token': ['/apps/desktop-app/licenses/lic_unknown/regenerate', false],
    'of a batch': ['/apps/desktop-app/licenses/verify', true],
  }

  for (const [body, [path, withKey]] of Object.entries(rows)) {
    test(`${body}: 408, and the stream is cancelled`, async () => {
      let isCancelled = false
      const endless = new ReadableStream<Uint8Array>({
        pull: async (controller) => {
          await pause(10)
          controller.enqueue(new Uint8Array([0x20]))
        },
        cancel: () => void (isCancelled = true),
      })
      const sent: Sent = { body: endless, ...(withKey && { key }) }
      const response = await server.send('POST', path, sent)
      assert.equal(response.status, 408)
      assert.equal(response.error().code, 'request_timeout')
      assert.equal(response.headers.get('connection'), 'close')
      assert.equal(isCancelled, true)
    })

    test(`${body} over TCP: 408, and the server closes the connection`, async () => {
      await whileListening(server, async (listening) => {
        const authorization = withKey ? `Authorization: Bearer ${key}\r\n` : ''
        const head = `POST /api/v1${path} HTTP/1.1\r\nHost: localhost\r\n${authorization}${unsentBody}`
        const responses = await Promise.all([untilClosed(listening, head, ' '), untilClosed(listening, head)])
        for (const response of responses)
          assert.match(response, /^HTTP\/1\.1 408 [\s\S]*"code":"request_timeout"/)
        const next = sender((asked) => fetch(asked), listening.origin)
        assert.equal((await next('GET', '/apps', { key })).status, 200)
      })
    })
  }
})
