import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { LicenseClient } from '../../src/client/index.ts'
import {
  Random,
  issueTokens,
  Simulation,
  type Place,
  type Tokens,
  type SimulationOptions,
} from './simulation.ts'

const runs = 60
const steps = 160
const hour = 3_600

const tokens = await issueTokens()

interface Plan extends SimulationOptions {
  readonly programs: number
  /** True if programs also forget their license, after which any token counts. */
  readonly clears: boolean
}

function call(client: LicenseClient, random: Random, { clears }: Plan): Promise<unknown> {
  const calls = [
    () => client.refresh(),
    () => client.refresh({ ifDue: true }),
    () => client.check(),
    () => client.setToken(random.pick(tokens.texts.flat())),
  ]
  if (clears) calls.push(() => client.clear())
  return random.pick(calls)()
}

/** Changes the server or the clock. A clock may be set back, but by less than the client tolerates. */
function disturb(simulation: Simulation, random: Random): void {
  const changes = [
    () => (simulation.isRevoked = true),
    () => (simulation.isRevoked = false),
    () => (simulation.isDown = !simulation.isDown),
    () => (simulation.now += random.below(3 * hour)),
    () => (simulation.now -= random.below(200)),
  ]
  random.pick(changes)()
}

/** Fails if a program's license falls back to an older token, or comes back after its revocation. */
function watch(client: LicenseClient, { ids, placeOfJti }: Tokens): () => void {
  let last: Place | undefined
  let revokedUpTo = -1
  return () => {
    const { state, licenseId, claims } = client.license
    const place = placeOfJti.get(claims?.jti)
    if (last !== undefined && last.license === place?.license)
      assert.ok(place.revision >= last.revision, 'The license fell back to an older token')
    // The server revokes the first license alone.
    if (state === 'revoked' && last?.license === 0) revokedUpTo = Math.max(revokedUpTo, last.revision)
    if (state !== 'revoked' && licenseId === ids[0])
      assert.ok(place!.revision > revokedUpTo, 'A revoked license came back')
    last = place
  }
}

async function assertAgreement(simulation: Simulation, clients: readonly LicenseClient[]): Promise<void> {
  simulation.isFailing = false
  simulation.isDown = false
  // A client that has seen a later time than the others would call its clock suspect.
  simulation.now = tokens.start + 3 * hour * steps
  for (const client of clients) await simulation.finish(client.refresh())
  const seen = new Set<string>()
  for (const client of clients) {
    const { state, licenseId, claims } = await simulation.finish(client.check())
    seen.add(JSON.stringify([state, licenseId, claims?.jti]))
    if (licenseId === tokens.ids[0] && simulation.isRevoked) assert.equal(state, 'revoked')
  }
  assert.equal(seen.size, 1, [...seen].join(' '))
}

async function run(seed: number, plan: Plan): Promise<void> {
  const random = new Random(seed)
  const simulation = new Simulation(tokens, random, plan)
  const clients: LicenseClient[] = []
  while (clients.length < plan.programs) clients.push(await simulation.open())
  const watches = plan.programs === 1 ? clients.map((client) => watch(client, tokens)) : []
  const look = (): void => watches.forEach((watched) => watched())
  const working: Promise<unknown>[] = []
  for (let step = 0; step < steps; step += 1) {
    const choice = random.below(10)
    if (choice === 0) disturb(simulation, random)
    else if (choice < 4) working.push(call(random.pick(clients), random, plan))
    else simulation.letOneGo()
    // Everything follows that needs no other step to go first.
    await setImmediate()
    look()
  }
  await simulation.finish(Promise.all(working), look)
  // Two slow writes may cross without a lock, and a program that clears its license takes everything back.
  if (!plan.clears && (plan.locks || plan.store === 'instant')) assert.deepEqual(simulation.losses, [])
  await assertAgreement(simulation, clients)
}

const slow = { store: 'slow', locks: false, fails: false, clears: false } as const

const plans: Readonly<Record<string, Plan>> = {
  'one program on a slow store': { ...slow, programs: 1 },
  'one program on a store that fails': { ...slow, programs: 1, fails: true },
  'three programs on a store with a lock': { ...slow, programs: 3, locks: true },
  'three programs on an instant store': { ...slow, programs: 3, store: 'instant' },
  'three programs that also forget': { ...slow, programs: 3, clears: true },
}

for (const [name, plan] of Object.entries(plans))
  test(`LicenseClient: ${name}, in ${runs} random orders of their steps`, async () => {
    for (let seed = 0; seed < runs; seed += 1)
      await run(seed, plan).catch((cause: unknown) => {
        throw new Error(`Seed ${seed}`, { cause })
      })
  })
