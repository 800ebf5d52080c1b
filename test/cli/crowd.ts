import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { installation, masterKey } from '../support/fixtures.ts'
import { emptyFolder, startServer, ways, type Disposer, type RunningServer } from './heartwood.ts'
import type { SeatCall, SeatCallName } from './killed-seat.ts'
import { openLedger, type SeatLedger } from './seat-ledger.ts'

/** A response: its status, the code of its error or `ok`, and its data. */
export interface Said {
  readonly status: number
  readonly code: string
  readonly data: Readonly<Record<string, unknown>>
}

/** A license key that was sold, with its text. */
export interface Sold {
  readonly id: string
  readonly key: string
}

/** Several servers on one database, whose clocks differ, and callers that reach them in turn. */
export interface Crowd {
  readonly servers: readonly RunningServer[]
  /** The database: a file or a URL. */
  readonly target: string
  /** All callers. Caller `at` calls server `at % servers.length`. */
  readonly callers: number
  readonly ledger: SeatLedger
  /** Calls as the vendor does, at any server. The path begins with that of the app. */
  vendor(method: string, path: string, body?: object, at?: number): Promise<Said>
  /** Calls as a program does: without an API key. */
  program(path: string, body: object, at: number): Promise<Said>
  sell(terms: object): Promise<Sold>
  /** The installation id of this number. */
  installation(number: number): string
  activate(sold: Sold, number: number, at?: number): Promise<Said>
  /** The same crowd with installations that nobody has used. */
  anew(): Crowd
  /** Calls that were repeated, because a server was too busy. */
  readonly repeated: () => number
}

export const crowdApp = '/apps/crowd'
const environment = { HEARTWOOD_LOG: 'off', HEARTWOOD_RATE_LIMITS: 'off', HEARTWOOD_MASTER_KEY: masterKey }
/** Seconds by which the clocks of the servers differ. */
const shifts = [0, 90, -90, 45]

async function startServers(test: Disposer, count: number, target: string): Promise<RunningServer[]> {
  const cwd = emptyFolder(test)
  const command = ['bun', '--preload', resolve('test/cli/shifted-clock.ts'), ...ways.Bun.slice(1), 'serve']
  const start = (at: number): Promise<RunningServer> =>
    startServer(test, {
      cwd,
      command,
      env: { ...environment, HEARTWOOD_DATABASE: target, CLOCK_SHIFT: String(shifts[at % shifts.length]) },
    })
  const first = await start(0)
  return [first, ...(await Promise.all(Array.from({ length: count - 1 }, (_, at) => start(at + 1))))]
}

async function said(response: Response): Promise<Said> {
  const text = await response.text()
  const { data = {}, error } = (text === '' ? {} : JSON.parse(text)) as {
    data?: Said['data']
    error?: { code: string }
  }
  return { status: response.status, code: error?.code ?? 'ok', data }
}

/** Starts servers on one database, with an app that sells. The test stops them at its end. */
export async function openCrowd(
  test: Disposer,
  { servers: count, callers, target }: { servers: number; callers: number; target?: string | undefined },
): Promise<Crowd> {
  const file = target ?? join(emptyFolder(test), 'crowd.db')
  const servers = await startServers(test, count, file)
  const { key } = servers[0]!
  let repeated = 0
  const call = async (at: number, method: string, path: string, body?: object, as = ''): Promise<Said> => {
    const { url } = servers[at % servers.length]!
    const headers = { 'content-type': 'application/json', ...(as && { authorization: `Bearer ${as}` }) }
    for (;;) {
      const sent = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }
      const answer = await said(await fetch(`${url}/api/v1${path}`, sent))
      if (answer.status !== 503) return answer
      repeated++
      await setTimeout(100 * Math.random())
    }
  }
  const vendor: Crowd['vendor'] = (method, path, body, at = 0) => call(at, method, path, body, key!)
  const program: Crowd['program'] = (path, body, at) => call(at, 'POST', path, body)
  await vendor('POST', '/apps', { name: 'Crowd', slug: 'crowd' })
  await vendor('POST', `${crowdApp}/tiers`, { name: 'Pro', slug: 'pro' })
  await vendor('POST', `${crowdApp}/tiers`, { name: 'Team', slug: 'team' })
  const customer = await vendor('POST', `${crowdApp}/customers`, { email: 'ada@example.com' })
  const ledger = await openLedger(file)
  test.after(() => ledger.end())
  const sell: Crowd['sell'] = async (terms) => {
    const ends = 'duration_days' in terms || 'expires_at' in terms ? {} : { forever: true }
    const sale = { customer_id: customer.data['id'], tier_id: 'pro', ...ends, ...terms }
    return (await vendor('POST', `${crowdApp}/license-keys`, sale)).data as unknown as Sold
  }
  let used = 0
  const anew = (): Crowd => {
    const first = 100_000 * used++
    const own = (number: number): string => installation(first + number)
    const activate: Crowd['activate'] = ({ key: text }, number, at = number) =>
      program(`${crowdApp}/license-keys/activate`, { license_key: text, installation_id: own(number) }, at)
    const calls = { vendor, program, sell, activate, anew, installation: own, repeated: () => repeated }
    return { servers, target: file, callers, ledger, ...calls }
  }
  return anew()
}

/** Kills a process after the commit of its call. */
export async function killedIn({ target }: Crowd, name: SeatCallName, call: SeatCall): Promise<void> {
  const script = resolve('test/cli/killed-seat.ts')
  const child = spawn('bun', [script, target, name, JSON.stringify(call)], { stdio: 'inherit' })
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
  assert.equal(signal, 'SIGKILL', name)
}
