/**
 * Opens 20,000 idle connections to `heartwood serve` on the runtime that runs this file: `bun bench/idle-connections.ts`.
 * Half of them say nothing, the others send one request. It prints how many the server closed, and after how many seconds.
 * Allow each process more than 10,000 open files (`ulimit -n`).
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { start, thisRuntime } from './child-process.ts'

const connections = 20_000
const seconds = 90
const installation = 'a1b2c3d4-e5f6-4a7b-8c9d-0e1f2a3b4c5d'
const request = 'GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** Opens connections from one address, at most a thousand a second. Prints how long the server kept them. */
async function visit(port: number, localAddress: string, first: string): Promise<void> {
  const ages: number[] = []
  for (let count = 0; count < connections / 2; count += 1) {
    const began = performance.now()
    const socket = connect({ port, host: '127.0.0.1', localAddress })
    socket.on('connect', () => void (first !== '' && socket.write(first)))
    socket.on('error', () => {})
    socket.resume()
    socket.on('close', () => ages.push((performance.now() - began) / 1000))
    if (count % 50 === 49) await setTimeout(50)
  }
  await setTimeout(seconds * 1000)
  const sorted = ages.toSorted((a, b) => a - b)
  const at = (part: number): string => (sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(1)
  console.log(`${ages.length} closed, after ${at(0)} to ${at(1)} s, median ${at(0.5)} s`)
  process.exit(0)
}

interface Server {
  readonly url: string
  readonly key: string
}

async function post({ url, key }: Server, path: string, body: object): Promise<{ readonly id: string }> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const response = await fetch(`${url}/api/v1${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return ((await response.json()) as { readonly data: { readonly id: string } }).data
}

async function addLicense(server: Server): Promise<void> {
  await post(server, '/apps', { name: 'Desk', slug: 'desk' })
  const { id: tierId } = await post(server, '/apps/desk/tiers', { name: 'Pro', slug: 'pro' })
  const { id: customerId } = await post(server, '/apps/desk/customers', { email: 'ada@example.com' })
  const license = {
    customer_id: customerId,
    tier_id: tierId,
    installation_id: installation,
    duration_days: 9,
  }
  await post(server, '/apps/desk/licenses', license)
}

async function verify({ url }: Server): Promise<string> {
  const path = `/api/v1/apps/desk/licenses/verify?installation_id=${installation}`
  const options = { headers: { connection: 'close' }, signal: AbortSignal.timeout(3000) }
  return fetch(url + path, options).then(
    (response) => String(response.status),
    () => 'none',
  )
}

async function serve(folder: string): Promise<Server & { readonly process: ReturnType<typeof spawn> }> {
  const args = ['serve', '--port', '0', '--database', join(folder, 'heartwood.db')]
  const server = start(thisRuntime, '../src/cli/main.ts', args)
  let key = ''
  for await (const line of createInterface({ input: server.stdout! })) {
    key ||= /sk_live_\w+/.exec(line)?.[0] ?? ''
    const [, url] = /listens on (\S+)/.exec(line) ?? []
    if (url !== undefined) return { url, key, process: server }
  }
  throw new Error('The server ended')
}

async function measure(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'heartwood-idle-'))
  const server = await serve(folder)
  await addLicense(server)
  const { port } = new URL(server.url)
  const visitors = new Set<string>()
  for (const [name, address, first] of [
    ['Silent', '127.0.0.2', ''],
    ['Idle after a request', '127.0.0.3', request],
  ] as const) {
    const visitor = start(thisRuntime, 'idle-connections.ts', [port, address, first])
    visitor.stdout!.on('data', (line) => console.log(`${name}: ${String(line).trim()}`))
    visitors.add(name)
    visitor.on('close', () => visitors.delete(name))
  }
  for (let second = 0; visitors.size > 0; second += 5) {
    console.log(`${thisRuntime} after ${second} s: verification ${await verify(server)}`)
    await setTimeout(5000)
  }
  console.log(`${thisRuntime}: verification ${await verify(server)} at the end`)
  console.log(`The process ${server.process.exitCode === null ? 'lives' : 'ended'}`)
  server.process.kill('SIGTERM')
  rmSync(folder, { recursive: true })
  process.exit(0)
}

const [port, address = '', first = ''] = process.argv.slice(2)
await (port === undefined ? measure() : visit(Number(port), address, first))
