import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, day, installation, newShop, type Shop } from '../../support/fixtures.ts'
import { randomFrom } from '../../storage/race-tasks.ts'
import { seatFaults } from '../../storage/seat-invariants.ts'
import { Model, type SaleState } from './model.ts'
import { app } from './sale.ts'

const externalId = 'stripe:sub_1'

/** The real thing, with the licenses and newest tokens of its installations. */
interface Real extends Shop {
  /** The id of the license key. A sale makes another one after a deletion. */
  id: string
  /** Its texts by revision, from 1 on. */
  texts: string[]
  readonly licenses: Map<number, { readonly id: string; token: string | null }>
}

async function activate({ licensing, licenses }: Real, place: number, text: string): Promise<void> {
  const given = { installationId: installation(place) }
  const { license } = await licensing.licenseKeys.activate(app, text, given)
  licenses.set(place, { id: license.id, token: license.token })
}

async function renew({ licensing, licenses }: Real, place: number): Promise<void> {
  const { id, token } = licenses.get(place)!
  licenses.get(place)!.token = (await licensing.licenses.renew(app, id, token)).token
}

async function roll(real: Real, overlapDays: number): Promise<void> {
  real.texts.push((await real.licensing.licenseKeys.roll(app, real.id, { overlapDays })).key)
}

async function sync(real: Real, { end, tier: tierId, ...state }: SaleState): Promise<void> {
  const customer = { email: 'ada@example.com' }
  const sale = { externalId, customer, tierId, expiresAt: end, ...state }
  const { id, created, key } = await real.licensing.licenseKeys.sync(app, sale)
  if (created) Object.assign(real, { id, texts: [key] })
}

type Step = readonly [name: string, real: Promise<unknown>, expected: string]

/** The seat of one installation, in the hands of its holder and of the vendor. */
function seatStep(real: Real, model: Model, place: number, random: () => number): Step | null {
  const { licenseKeys, licenses } = real.licensing
  const seat = real.licenses.get(place)
  if (seat === undefined) return null
  const { id, token } = seat
  const revision = 1 + Math.floor(random() * real.texts.length)
  const holder = { licenseKey: real.texts[revision - 1]! }
  const steps: readonly (() => Step)[] = [
    () => [`renew ${place}`, renew(real, place), model.renew(place)],
    () => [`renew ${place}`, renew(real, place), model.renew(place)],
    () => [
      `give ${place} back by token`,
      licenseKeys.release(app, id, { currentToken: token }),
      model.release(place, 'token'),
    ],
    () => [
      `give ${place} back by text ${revision}`,
      licenseKeys.release(app, id, holder),
      model.release(place, revision),
    ],
    () => [`free ${place}`, licenseKeys.release(app, id), model.release(place, 'vendor')],
    () => [`revoke ${place}`, licenses.revoke(app, id), model.revokeSeat(place)],
    () => [`reinstate ${place}`, licenses.reinstate(app, id), model.reinstateSeat(place)],
    () => [`reinstate ${place}`, licenses.reinstate(app, id), model.reinstateSeat(place)],
  ]
  return steps[Math.floor(random() * steps.length)]!()
}

/** A change of the license key by its vendor or its shop. */
function keyStep(real: Real, model: Model, random: () => number): Step {
  const pick = (count: number): number => Math.floor(random() * count)
  const { licenseKeys } = real.licensing
  const { id } = real
  const seats = 1 + pick(4)
  const tier = pick(2) ? 'pro' : 'team'
  const end = pick(3) ? model.now + (1 + pick(20)) * day : null
  const overlapDays = pick(3)
  const ended = ([null, null, 'cancelled', 'refund', 'dispute'] as const)[pick(5)]!
  const state = { asOf: model.now + (pick(5) - 2) * day, seats, tier, end, ended }
  const steps: readonly (() => Step)[] = [
    () => [`seats ${seats}`, licenseKeys.update(app, id, { seats }), model.change({ seats })],
    () => [`tier ${tier}`, licenseKeys.update(app, id, { tierId: tier }), model.change({ tier })],
    () => [
      `end ${end}`,
      licenseKeys.update(app, id, end === null ? { forever: true } : { expiresAt: end }),
      model.change({ end }),
    ],
    () => [`roll for ${overlapDays} days`, roll(real, overlapDays), model.roll(overlapDays * day)],
    () => [`sync ${JSON.stringify(state)}`, sync(real, state), model.sync(state)],
    () => [`sync ${JSON.stringify(state)}`, sync(real, state), model.sync(state)],
    () => ['revoke', licenseKeys.revoke(app, id), model.revoke('vendor')],
    () => ['reinstate', licenseKeys.reinstate(app, id), model.reinstate()],
    () => ['reinstate', licenseKeys.reinstate(app, id), model.reinstate()],
  ]
  if (random() < 0.02) return ['delete', licenseKeys.delete(app, id), model.delete()]
  return steps[pick(steps.length)]!()
}

/** Does one random thing to the real license key and to the model. `null`: there is nothing to do it to. */
function stepOf(real: Real, model: Model, random: () => number): Step | null {
  const place = Math.floor(random() * 5)
  const kind = random()
  if (kind < 0.3) return keyStep(real, model, random)
  if (kind < 0.6) return seatStep(real, model, place, random)
  // The newest text, or any earlier one.
  const revision = random() < 0.7 ? real.texts.length : 1 + Math.floor(random() * real.texts.length)
  const text = real.texts[revision - 1]!
  return [`activate ${place}`, activate(real, place, text), model.activate(place, revision)]
}

/** The state as the vendor sees it. */
async function stateOf({ licensing, id }: Real): Promise<unknown> {
  const key = await licensing.licenseKeys.get(app, id).catch(() => null)
  if (key === null) return null
  const { data } = await licensing.licenses.list(app, { licenseKeyId: id })
  const taken = data.filter(({ revokedAt }) => revokedAt === null)
  return {
    key: [key.seats, key.tier, key.expiresAt, key.status, key.releasesLeft, key.seatsUsed],
    taken: taken
      .map(({ installationId, tier, expiresAt }) => [installationId, tier, expiresAt])
      .toSorted((a, b) => String(a[0]).localeCompare(String(b[0]))),
  }
}

function expectedState({ exists, terms, revokedBy, isOver, left, seats }: Model): unknown {
  if (!exists) return null
  const status = revokedBy === null ? (isOver ? 'expired' : 'active') : 'revoked'
  const taken = [...seats].filter(([, { isTaken }]) => isTaken).map(([place]) => place)
  return {
    key: [terms.seats, terms.tier, terms.end, status, left, taken.length],
    taken: taken.toSorted((a, b) => a - b).map((place) => [installation(place), terms.tier, terms.end]),
  }
}

/** A license key that a sale made, with terms that only its vendor can set. */
async function begin(shop: Shop, model: Model, random: () => number): Promise<Real> {
  await shop.licensing.tiers.create(app, { name: 'Team', slug: 'team', features: ['sync'] })
  const real: Real = { ...shop, id: '', texts: [], licenses: new Map() }
  const sold = { asOf: shop.clock.seconds, seats: 2, tier: 'pro', end: null, ended: null }
  await sync(real, sold)
  model.sync(sold)
  model.idle = random() < 0.5 ? 3 * day : null
  model.replaces = random() < 0.5
  model.left = 5
  await shop.licensing.licenseKeys.update(app, real.id, {
    idleDays: model.idle === null ? null : 3,
    whenFull: model.replaces ? 'replace_oldest' : 'refuse',
    releasesPerYear: model.left,
  })
  return real
}

/** Plays one life. Resolves to the kinds of its steps, each with the code that it got. */
async function play(random: () => number, name: string): Promise<readonly string[]> {
  const shop = await newShop()
  const model = new Model()
  model.now = shop.clock.seconds
  const real = await begin(shop, model, random)
  const steps: string[] = []
  for (let count = 0; count < 60; count++) {
    shop.clock.seconds += Math.floor(random() * day)
    model.now = shop.clock.seconds
    const step = stepOf(real, model, random)
    if (step === null) continue
    const [what, call, expected] = step
    steps.push(`${what}: ${await codeOf(call)}`)
    const told = `${name}: ${steps.join(', ')}`
    assert.equal(steps.at(-1), `${what}: ${expected}`, told)
    assert.deepEqual(await stateOf(real), expectedState(model), told)
  }
  const faults = await seatFaults(shop.storage, shop.app.id)
  assert.deepEqual(
    faults.filter((fault) => !fault.includes(' seats')),
    [],
    name,
  )
  return steps.map((step) => `${step.split(' ')[0]!.replace(':', '')}:${step.split(':').at(-1)!}`)
}

/** 2,000 by hand: `HEARTWOOD_TEST_LIVES=2000 bun test test/core/license-keys/model.test.ts`. */
const lives = Number(process.env['HEARTWOOD_TEST_LIVES'] ?? 20)

test(`licenseKeys: ${lives} random lives of a license key go as a small model says`, async (context) => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32))
  context.diagnostic(`SEED=${seed}`)
  const seen = new Map<string, number>()
  for (let life = 0; life < lives; life++)
    for (const kind of await play(randomFrom(seed + life), `SEED=${seed + life}`))
      seen.set(kind, (seen.get(kind) ?? 0) + 1)
  context.diagnostic(
    [...seen]
      .toSorted()
      .map(([kind, times]) => `${kind} ${times}`)
      .join(', '),
  )
})
