/** A seat of the model. The token is the newest that its installation has. */
interface Seat {
  readonly order: number
  cause: string | null
  isTaken: boolean
  seen: number
}

/** The terms that a sale and a change say. */
export interface Terms {
  readonly seats: number
  readonly tier: string
  /** `null`: no end. */
  readonly end: number | null
}

/** The state of a sale. */
export interface SaleState extends Terms {
  readonly asOf: number
  readonly ended: 'refund' | 'dispute' | 'cancelled' | null
}

/** The rules of one license key, told once more in a few lines. Each method returns the code that a caller gets, or `ok`. */
export class Model {
  readonly seats: Map<number, Seat> = new Map<number, Seat>()
  /** The end of each installation's newest token. */
  readonly tokenEnds: Map<number, number | null> = new Map<number, number | null>()
  now = 0
  exists = false
  terms: Terms = { seats: 1, tier: 'pro', end: null }
  asOf = 0
  ended: SaleState['ended'] = null
  revokedBy: 'vendor' | 'sale' | null = null
  left = 12
  idle: number | null = null
  replaces = false
  revision = 1
  previousUntil = 0
  #made = 0

  get taken(): Seat[] {
    const all = [...this.seats.values()].filter(({ isTaken }) => isTaken)
    return all.toSorted((a, b) => a.seen - b.seen || a.order - b.order)
  }

  get isOver(): boolean {
    return this.terms.end !== null && this.now >= this.terms.end
  }

  opens(revision: number): boolean {
    const isPrevious = revision === this.revision - 1 && this.now < this.previousUntil
    return this.exists && (revision === this.revision || isPrevious)
  }

  #free(seats: readonly Seat[], cause: string): void {
    for (const seat of seats) Object.assign(seat, { isTaken: false, cause })
  }

  /** Frees silent seats, then the oldest one. Returns true if there is room for one more. */
  #makeRoom(): boolean {
    const silent = this.taken.filter(({ seen }) => this.idle !== null && seen < this.now - this.idle)
    const tooMany = this.taken.length - this.terms.seats + 1
    const mayReplace = this.replaces && this.left > 0 && tooMany - silent.length === 1
    if (tooMany > silent.length && !mayReplace) return false
    this.#free(silent.slice(0, Math.max(tooMany, 0)), 'lapsed')
    if (this.taken.length < this.terms.seats) return true
    this.left--
    this.#free(this.taken.slice(0, 1), 'replaced')
    return true
  }

  activate(place: number, revision: number): string {
    const own = this.seats.get(place)
    if (!this.opens(revision)) return 'invalid_license_key'
    if (this.revokedBy !== null) return 'license_key_revoked'
    if (this.isOver) return 'license_key_expired'
    if (own && !own.isTaken && [null, 'key_revoked'].includes(own.cause)) return 'license_revoked'
    if (!own?.isTaken && !this.#makeRoom()) return 'seat_limit_reached'
    const order = own?.order ?? this.#made++
    this.seats.set(place, { order, isTaken: true, cause: null, seen: this.now })
    this.tokenEnds.set(place, this.terms.end)
    return 'ok'
  }

  release(place: number, by: 'token' | 'vendor' | number): string {
    const seat = this.seats.get(place)
    if (typeof by === 'number' && !this.opens(by)) return 'invalid_license_key'
    if (!seat) return 'not_found'
    if (!seat.isTaken) return 'ok'
    if (by !== 'vendor' && this.left === 0) return 'release_limit_reached'
    if (by !== 'vendor') this.left--
    this.#free([seat], 'released')
    return 'ok'
  }

  renew(place: number): string {
    const seat = this.seats.get(place)
    const end = this.tokenEnds.get(place) ?? null
    if (end !== null && this.now >= end) return 'token_expired'
    if (!seat) return 'not_found'
    if (!seat.isTaken)
      return [null, 'key_revoked'].includes(seat.cause) ? 'license_revoked' : 'license_released'
    if (this.isOver) return 'token_expired'
    seat.seen = this.now
    this.tokenEnds.set(place, this.terms.end)
    return 'ok'
  }

  revokeSeat(place: number): string {
    const seat = this.seats.get(place)
    if (!seat) return 'not_found'
    Object.assign(seat, { isTaken: false, cause: null })
    return 'ok'
  }

  reinstateSeat(place: number): string {
    const seat = this.seats.get(place)
    if (!seat) return 'not_found'
    if (seat.isTaken) return 'ok'
    if (this.revokedBy !== null) return 'license_key_revoked'
    if (this.taken.length >= this.terms.seats) return 'seat_limit_reached'
    Object.assign(seat, { isTaken: true, cause: null })
    return 'ok'
  }

  change(terms: Partial<Terms>): string {
    if (!this.exists) return 'not_found'
    const changed = { ...this.terms, ...terms }
    const isNew = JSON.stringify(changed) !== JSON.stringify(this.terms)
    if (isNew && this.revokedBy !== null) return 'license_key_revoked'
    this.terms = changed
    return 'ok'
  }

  roll(overlap: number): string {
    if (!this.exists) return 'not_found'
    this.revision++
    this.previousUntil = this.now + overlap
    return 'ok'
  }

  revoke(by: 'vendor' | 'sale'): string {
    if (!this.exists) return 'not_found'
    this.revokedBy = by
    this.#free(this.taken, 'key_revoked')
    return 'ok'
  }

  reinstate(): string {
    if (!this.exists) return 'not_found'
    this.revokedBy = null
    for (const seat of this.seats.values())
      if (seat.cause === 'key_revoked') Object.assign(seat, { isTaken: true, cause: null })
    return 'ok'
  }

  sync({ asOf, ended, ...terms }: SaleState): string {
    if (!this.exists) Object.assign(this, { ...fresh, exists: true })
    if (asOf < this.asOf) return 'ok'
    Object.assign(this, { asOf, terms })
    if (ended === this.ended) return 'ok'
    this.ended = ended
    if (ended === 'refund' || ended === 'dispute')
      return this.revokedBy === 'vendor' ? 'ok' : this.revoke('sale')
    return this.revokedBy === 'sale' ? this.reinstate() : 'ok'
  }

  delete(): string {
    if (!this.exists) return 'not_found'
    this.exists = false
    this.seats.clear()
    return 'ok'
  }
}

/** A license key that a sale makes. */
const fresh = {
  asOf: 0,
  ended: null,
  revokedBy: null,
  left: 12,
  idle: null,
  replaces: false,
  revision: 1,
  previousUntil: 0,
} as const
