import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LicenseKeyWithText } from '../../../src/core/index.ts'
import { codeOf, day, installation, newShop, type Shop } from '../../support/fixtures.ts'
import { randomFrom } from '../../storage/race-tasks.ts'
import { seatFaults } from '../../storage/seat-invariants.ts'
import { app, sell } from './sale.ts'

/** A seat in the model. */
interface Seat {
  readonly order: number
  cause: string | null
  isTaken: boolean
  seen: number
}

/** The rules of one license key, told once more in a few lines. */
class Model {
  readonly seats = new Map<number, Seat>()
  sold = 2
  isRevoked = false
  left = 5
  now = 0
  readonly idle: number | null
  readonly replaces: boolean

  constructor(idle: number | null, replaces: boolean) {
    this.idle = idle
    this.replaces = replaces
  }

  get taken(): Seat[] {
    const all = [...this.seats.values()].filter(({ isTaken }) => isTaken)
    return all.toSorted((a, b) => a.seen - b.seen || a.order - b.order)
  }

  #free(seats: readonly Seat[], cause: string): void {
    for (const seat of seats) Object.assign(seat, { isTaken: false, cause })
  }

  activate(place: number): string {
    const own = this.seats.get(place)
    if (this.isRevoked) return 'license_key_revoked'
    if (own && !own.isTaken && [null, 'key_revoked'].includes(own.cause)) return 'license_revoked'
    if (!own?.isTaken) {
      const { taken, sold, idle } = this
      const tooMany = taken.length - sold + 1
      const silent = taken.filter(({ seen }) => idle !== null && seen < this.now - idle)
      const mayReplace = this.replaces && taken.length === sold && this.left > 0
      if (tooMany > 0 && silent.length >= tooMany) this.#free(silent.slice(0, tooMany), 'lapsed')
      // Seats that fell silent may bring it down to the number where one is replaced.
      else if (tooMany > 0 && this.replaces && tooMany - silent.length === 1 && this.left > 0) {
        this.#free(silent, 'lapsed')
        this.#free(this.taken.slice(0, 1), 'replaced')
        this.left--
      } else if (tooMany > 0 && !mayReplace) return 'seat_limit_reached'
    }
    const seat = { isTaken: true, cause: null, seen: this.now }
    if (own) Object.assign(own, seat)
    else this.seats.set(place, { order: this.seats.size, ...seat })
    return 'ok'
  }

  release(place: number, isHolder: boolean): string {
    const seat = this.seats.get(place)!
    if (!seat.isTaken) return 'ok'
    if (isHolder && this.left === 0) return 'release_limit_reached'
    if (isHolder) this.left--
    this.#free([seat], 'released')
    return 'ok'
  }

  renew(place: number): string {
    const { isTaken, cause } = this.seats.get(place)!
    if (isTaken) this.seats.get(place)!.seen = this.now
    if (isTaken) return 'ok'
    return cause === null || cause === 'key_revoked' ? 'license_revoked' : 'license_released'
  }

  revokeSeat(place: number): string {
    Object.assign(this.seats.get(place)!, { isTaken: false, cause: null })
    return 'ok'
  }

  reinstateSeat(place: number): string {
    const seat = this.seats.get(place)!
    if (seat.isTaken) return 'ok'
    if (this.isRevoked) return 'license_key_revoked'
    if (this.taken.length >= this.sold) return 'seat_limit_reached'
    Object.assign(seat, { isTaken: true, cause: null })
    return 'ok'
  }

  revoke(): string {
    this.isRevoked = true
    this.#free(this.taken, 'key_revoked')
    return 'ok'
  }

  reinstate(): string {
    this.isRevoked = false
    for (const seat of this.seats.values())
      if (seat.cause === 'key_revoked') Object.assign(seat, { isTaken: true, cause: null })
    return 'ok'
  }

  sell(seats: number): string {
    if (this.isRevoked && seats !== this.sold) return 'license_key_revoked'
    this.sold = seats
    return 'ok'
  }
}

/** The real thing, with the licenses and newest tokens of its installations. */
interface Real extends Shop {
  readonly sold: LicenseKeyWithText
  readonly licenses: Map<number, { readonly id: string; token: string | null }>
}

async function activate({ licensing, sold, licenses }: Real, place: number): Promise<void> {
  const given = { installationId: installation(place) }
  const { license } = await licensing.licenseKeys.activate(app, sold.key, given)
  licenses.set(place, { id: license.id, token: license.token })
}

async function renew({ licensing, licenses }: Real, place: number): Promise<void> {
  const { id, token } = licenses.get(place)!
  licenses.get(place)!.token = (await licensing.licenses.renew(app, id, token)).token
}

type Step = readonly [name: string, real: Promise<unknown>, expected: string]

/** Does one random thing to the real license key and to the model. `null`: there is nothing to do it to. */
function stepOf(real: Real, model: Model, random: () => number): Step | null {
  const pick = (count: number): number => Math.floor(random() * count)
  const place = pick(5)
  const { licenseKeys, licenses } = real.licensing
  const { id } = real.sold
  const seat = real.licenses.get(place)
  const kind = pick(12)
  if (kind < 4) return [`activate ${place}`, activate(real, place), model.activate(place)]
  if (kind === 4) {
    const seats = 1 + pick(4)
    return [`sell ${seats}`, licenseKeys.update(app, id, { seats }), model.sell(seats)]
  }
  if (kind === 5 && random() < 0.4) return ['revoke', licenseKeys.revoke(app, id), model.revoke()]
  if (kind === 5 || kind === 6) return ['reinstate', licenseKeys.reinstate(app, id), model.reinstate()]
  if (seat === undefined) return null
  if (kind === 7) return [`renew ${place}`, renew(real, place), model.renew(place)]
  if (kind === 8) {
    const holder = { licenseKey: real.sold.key }
    return [`give ${place} back`, licenseKeys.release(app, seat.id, holder), model.release(place, true)]
  }
  if (kind === 9) return [`free ${place}`, licenseKeys.release(app, seat.id), model.release(place, false)]
  if (kind === 10 && random() < 0.5)
    return [`revoke ${place}`, licenses.revoke(app, seat.id), model.revokeSeat(place)]
  return [`reinstate ${place}`, licenses.reinstate(app, seat.id), model.reinstateSeat(place)]
}

/** The installations that have a seat. */
async function takenPlaces({ licensing, sold }: Real): Promise<string[]> {
  const { data } = await licensing.licenses.list(app, { licenseKeyId: sold.id, status: 'active' })
  return data.map(({ installationId }) => installationId).toSorted()
}

async function play(random: () => number, name: string): Promise<void> {
  const model = new Model(random() < 0.5 ? 3 * day : null, random() < 0.5)
  const shop = await newShop()
  const terms = {
    idleDays: model.idle === null ? null : 3,
    releasesPerYear: model.left,
    forever: true,
  } as const
  const whenFull = model.replaces ? 'replace_oldest' : 'refuse'
  const real: Real = {
    ...shop,
    sold: await sell(shop, { ...terms, whenFull, seats: 2 }),
    licenses: new Map(),
  }
  const steps: string[] = []
  for (let count = 0; count < 60; count++) {
    shop.clock.seconds += Math.floor(random() * day)
    model.now = shop.clock.seconds
    const step = stepOf(real, model, random)
    if (step === null) continue
    const [what, call, expected] = step
    const code = await codeOf(call)
    steps.push(`${what}: ${code}`)
    assert.equal(code, expected, `${name}: ${steps.join(', ')}`)
    const places = [...model.seats].filter(([, { isTaken }]) => isTaken).map(([place]) => installation(place))
    assert.deepEqual(await takenPlaces(real), places.toSorted(), `${name}: ${steps.join(', ')}`)
  }
  const faults = await seatFaults(shop.storage, shop.app.id)
  assert.deepEqual(
    faults.filter((fault) => !fault.includes(' seats')),
    [],
    name,
  )
}

test('licenseKeys: 20 random lives of a license key go as a small model says', async (context) => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32))
  context.diagnostic(`SEED=${seed}`)
  for (let life = 0; life < 20; life++) await play(randomFrom(seed + life), `SEED=${seed + life}`)
})
