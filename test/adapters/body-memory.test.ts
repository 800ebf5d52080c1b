import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import process from 'node:process'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { newShop } from '../support/fixtures.ts'
import { whileListening } from './listening.ts'
import { endOf, serve, type Sent } from './test-server.ts'

const server = await serve(await newShop())
const hurried = await serve(await newShop(), { bodyTimeoutMs: 2000 })
const { send, keys } = server
const path = '/apps/desktop-app/customers'
const size = 256 * 1024
/** Bodies of `size` that fill the memory for bodies. */
const most = 16

let made = 0
const customer = (bytes = 0): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ email: `body-${made++}@example.com` }).padEnd(bytes))

/**
 * A body that sends its bytes at once, and ends as `end` says, unless the server cancels it before. `onWait` runs when the
 * server has them and waits for more.
 */
function slowBody(
  bytes: Uint8Array,
  end: (controller: ReadableStreamDefaultController<Uint8Array>) => unknown,
  onWait: () => void = () => {},
): ReadableStream<Uint8Array> {
  const source = {
    start: (controller: ReadableStreamDefaultController<Uint8Array>) => {
      controller.enqueue(bytes)
      void Promise.resolve(end(controller)).catch(() => {})
    },
    pull: onWait,
  }
  return new ReadableStream(source, { highWaterMark: 0 })
}

/** Posts a body by a key. Resolves to its status and code. */
async function post(body: Sent['body'], headers: Record<string, string> = {}, at = server): Promise<string> {
  const response = await at.send('POST', path, { key: at.keys.sk, body, headers })
  if (response.status === 503) assert.equal(response.headers.get('retry-after'), '1')
  return endOf(response)
}

const announced = { 'content-length': String(size) }

interface Posted {
  readonly outcomes: readonly Promise<string>[]
  /** The number of bodies whose bytes the server has while it waits for more. */
  readonly waiting: () => number
}

/** Posts bodies at the same time, which end when `open` resolves. */
function postSlowly(count: number, open: Promise<void>, headers = {}, at = server): Posted {
  const waiting = new Set<number>()
  const outcomes = Array.from({ length: count }, (_, number) => {
    const end = (controller: ReadableStreamDefaultController): unknown => open.then(() => controller.close())
    return post(
      slowBody(customer(size), end, () => void waiting.add(number)),
      headers,
      at,
    )
  })
  return { outcomes, waiting: () => waiting.size }
}

function count(outcomes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

/** Fills the memory for bodies. Resolves to the outcomes. */
async function fill(at = server): Promise<Record<string, number>> {
  const gate = Promise.withResolvers<void>()
  const { outcomes, waiting } = postSlowly(most, gate.promise, announced, at)
  // Bodies that have to make room end without the gate.
  const refused = Promise.race(outcomes).then(() => true)
  while (waiting() < most && !(await Promise.race([refused, pause(5, false)])));
  gate.resolve()
  return count(await Promise.all(outcomes))
}

for (const [name, headers] of [
  ['announced', announced],
  ['of unknown length', {}],
] as const)
  test(`slow bodies, ${name}, beyond the bound: 503, and the others succeed when they end`, async () => {
    const gate = Promise.withResolvers<void>()
    const { outcomes } = postSlowly(most + 8, gate.promise, headers)
    const ended: string[] = []
    for (const outcome of outcomes) void outcome.then((text) => ended.push(text))
    while (ended.length < 8) await pause(5)
    assert.deepEqual(count(ended), { '503 unavailable': 8 })
    gate.resolve()
    assert.deepEqual(count(await Promise.all(outcomes)), { '201': most, '503 unavailable': 8 })
    assert.deepEqual(await fill(), { '201': most })
  })

test('a small body succeeds beside slow bodies that fill the memory: the largest makes room', async () => {
  const gate = Promise.withResolvers<void>()
  const { outcomes, waiting } = postSlowly(most, gate.promise, announced)
  while (waiting() < most) await pause(5)
  assert.equal(await post(customer()), '201')
  gate.resolve()
  assert.deepEqual(count(await Promise.all(outcomes)), { '201': most - 1, '503 unavailable': 1 })
})

describe('the bytes of a body come back', () => {
  const whole = (bytes: Uint8Array): ReadableStream => slowBody(bytes, (controller) => controller.close())
  const ends: Readonly<
    Record<string, readonly [body: () => Sent['body'], outcome: string, at?: typeof server]>
  > = {
    'that was accepted': [() => whole(customer(size)), '201'],
    'that is no JSON': [() => whole(new Uint8Array(size).fill(0x7b)), '400 invalid_json'],
    'that breaks a rule': [() => whole(new Uint8Array(size).fill(0x20)), '422 validation_error'],
    'that is too large': [
      () => slowBody(customer(size), (controller) => controller.enqueue(new Uint8Array(1))),
      '413 body_too_large',
    ],
    'that fails': [
      () =>
        slowBody(customer(size), async (controller) =>
          pause(20).then(() => controller.error(new Error('cut'))),
        ),
      '400 invalid_json',
    ],
    'that takes too long': [() => slowBody(customer(size), () => {}), '408 request_timeout', hurried],
  }
  for (const [name, [body, outcome, at]] of Object.entries(ends))
    test(`${name}: ${outcome}`, async () => {
      const outcomes = await Promise.all(Array.from({ length: most }, () => post(body(), {}, at)))
      assert.deepEqual(count(outcomes), { [outcome]: most })
      assert.deepEqual(await fill(at), { '201': most })
    })

  test('of a client that disconnected', async () => {
    await whileListening(server, async ({ port }) => {
      const head = `POST /api/v1${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${keys.sk}\r\n`
      const sockets = Array.from({ length: most + 1 }, () => connect({ port, host: '127.0.0.1' }))
      await Promise.all(sockets.map((socket) => once(socket, 'connect')))
      // The one that is refused shows that the others fill the memory.
      const refused = Promise.race(sockets.map((socket) => once(socket, 'data')))
      for (const socket of sockets) {
        socket.on('error', () => {})
        socket.write(`${head}Content-Length: ${size}\r\n\r\n${' '.repeat(1000)}`)
      }
      assert.match(String((await refused)[0]), /^HTTP\/1\.1 503 /)
      assert.equal(await post(customer(size), announced), '503 unavailable')
      for (const socket of sockets) socket.destroy()
      while ((await post(customer(size), announced)) !== '201') await pause(10)
    })
    while ((await fill())['201'] !== most) await pause(10)
  })
})

describe('a request that is refused before its body', () => {
  const unread = (): ReadableStream =>
    new ReadableStream({ pull: () => assert.fail('The body was read') }, { highWaterMark: 0 })

  test('without a good key: 401', async () => {
    const response = await send('POST', path, { key: 'sk_live_unknown', body: unread() })
    assert.equal(response.status, 401)
  })

  test('beyond the limit of its route: 429', async () => {
    const limited = await serve(server, {
      rateLimits: { verify: 1, renewal: 1 },
      clientAddress: () => '8.8.8.8',
    })
    for (const route of [
      '/apps/desktop-app/licenses/verify',
      '/apps/desktop-app/licenses/lic_1/regenerate',
    ]) {
      await limited.send('POST', route, { body: {} })
      assert.equal((await limited.send('POST', route, { body: unread() })).status, 429)
    }
  })
})

function collectGarbage(): void {
  if ('Bun' in globalThis) return Bun.gc(true)
  setFlagsFromString('--expose-gc')
  runInNewContext('gc()')
}

test('a body that comes byte by byte takes little more memory than its bytes', async () => {
  const bytes = customer(size)
  const heldBytes = (): number => {
    collectGarbage()
    return process.memoryUsage().heapUsed
  }
  const before = heldBytes()
  let held = 0
  let sent = 0
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    if (sent < size) return controller.enqueue(bytes.subarray(sent, ++sent))
    held = heldBytes() - before
    controller.close()
  }
  assert.equal(await post(new ReadableStream({ pull }, { highWaterMark: 0 })), '201')
  assert.ok(held < 40 * size, `${held} bytes`)
})
