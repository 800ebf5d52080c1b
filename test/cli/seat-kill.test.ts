import assert from 'node:assert/strict'
import { join } from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { ask, emptyFolder, heartwood, startServer, type RunningServer } from './heartwood.ts'
import { loadedApp, openShop } from './load.ts'
import {
  acknowledged,
  Machine,
  Machines,
  noCounts,
  type MachineCounts,
  type SharedKey,
  type StoredSeat,
} from './machines.ts'
import { openLedger, type SeatLedger } from './seat-ledger.ts'

/** 500 by hand: `HEARTWOOD_TEST_KILLS=500 bun test --timeout 9000000 test/cli/seat-kill.test.ts`. */
const rounds = Number(process.env['HEARTWOOD_TEST_KILLS'] ?? 5)
const env = { HEARTWOOD_LOG: 'off', HEARTWOOD_RATE_LIMITS: 'off' }

/** Eight license keys with a seat for each of their five machines, and one with four seats for ten. */
const sales = [...Array.from({ length: 8 }, () => [5, 5] as const), [4, 10] as const]

/** Waits for a random number of calls, so that a slow machine gets as much done between two kills. */
async function inTheMidst(counts: MachineCounts): Promise<void> {
  const enough = acknowledged(counts) + Math.floor(Math.random() * 60)
  const end = performance.now() + 10_000
  while (acknowledged(counts) < enough && performance.now() < end) await setTimeout(1)
  await setTimeout(Math.random() * 10)
}

/** The data of a response to the vendor. */
async function vendor(
  server: RunningServer,
  path: string,
  body: object,
): Promise<{ id: string; key: string }> {
  const response = await ask(server, `/apps/${loadedApp}${path}`, { key: server.key, body })
  assert.equal(response.status, 201)
  return ((await response.json()) as { data: { id: string; key: string } }).data
}

async function machinesOf(server: RunningServer, counts: MachineCounts): Promise<Machines> {
  const { id: customer } = await vendor(server, '/customers', { email: 'ada@example.com' })
  const machines: Machine[] = []
  for (const [seats, count] of sales) {
    const terms = { customer_id: customer, tier_id: 'pro', forever: true, releases_per_year: 1_000_000 }
    const { id, key } = await vendor(server, '/license-keys', { ...terms, seats })
    const sold: SharedKey = { id, key, isCrowded: count > seats }
    for (let made = 0; made < count; made++) machines.push(new Machine(sold, counts))
  }
  return new Machines(machines)
}

async function storedSeats(ledger: SeatLedger): Promise<ReadonlyMap<string, StoredSeat>> {
  const rows = await ledger.rows<{ id: string; revision: number; installation: string; revoked: unknown }>(
    'select id, revision, installation_id as installation, revoked_at as revoked from heartwood_license',
  )
  return new Map(
    rows.map(({ id, revision, installation, revoked }) => [
      installation,
      { id, revision, isTaken: revoked === null },
    ]),
  )
}

/** Looks at the database of a killed server, before another server opens it. */
async function inspect(cwd: string, { all }: Machines): Promise<readonly string[]> {
  const checked = await heartwood(['doctor'], { cwd, env })
  const ledger = await openLedger(join(cwd, 'heartwood.db'))
  const stored = await storedSeats(ledger)
  for (const machine of all) machine.check(stored.get(machine.installationId) ?? null)
  const faults = await ledger.faults()
  await ledger.end()
  return checked.code === 0 ? faults : [...faults, checked.stdout]
}

/** The releases that all license keys have counted. */
async function releasesCounted(cwd: string): Promise<number> {
  const ledger = await openLedger(join(cwd, 'heartwood.db'))
  const [row] = await ledger.rows<{ count: number }>(
    'select sum(release_count) as count from heartwood_license_key',
  )
  await ledger.end()
  return row!.count
}

test(`heartwood serve: killed ${rounds} times under 50 machines, it loses no seat and sells none twice`, async (t) => {
  const cwd = emptyFolder(t)
  let server = await startServer(t, { cwd, env })
  await openShop(server.url, server.key)
  const counts = noCounts()
  const machines = await machinesOf(server, counts)
  assert.equal(machines.all.length, 50)
  for (let round = 0; round < rounds; round++) {
    machines.start(server.url)
    await inTheMidst(counts)
    await server.stop('SIGKILL')
    await machines.stop()
    assert.deepEqual(await inspect(cwd, machines), [], `round ${round}`)
    assert.deepEqual(counts.faults, [], `round ${round}`)
    server = await startServer(t, { cwd, env })
  }
  await Promise.all(machines.all.map((machine) => machine.settle(server.url)))
  await server.stop()
  assert.deepEqual(await inspect(cwd, machines), [])
  assert.deepEqual(counts.faults, [])
  assert.equal(await releasesCounted(cwd), counts.released, 'a lost response costs no release')
  const { activated, renewed, released, refused, lost, taken } = counts
  console.log(
    `${rounds} kills; acknowledged: ${activated} activations, ${renewed} renewals, ${released} releases; ` +
      `${refused} refused; lost responses: ${JSON.stringify(lost)}, ${taken} of the activations had their seat`,
  )
})
