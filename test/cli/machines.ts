import { setTimeout } from 'node:timers/promises'
import { ask } from './heartwood.ts'
import { loadedApp, revisionOf } from './load.ts'

/** A license key that some machines share. */
export interface SharedKey {
  readonly id: string
  readonly key: string
  /** True if it has fewer seats than machines, so that some are refused. */
  readonly isCrowded: boolean
}

/** The seat of a machine as it stands in the database. */
export interface StoredSeat {
  readonly id: string
  readonly revision: number
  readonly isTaken: boolean
}

/** A call whose response never came. */
type Lost = 'activate' | 'release'

interface Answer {
  readonly status: number
  readonly code: string
  readonly data: { readonly id: string; readonly token: string }
}

/** A call to a server that is killed now and then. `null`: no response came. */
async function call(url: string, path: string, body: object): Promise<Answer | null> {
  const response = await ask({ url }, `/apps/${loadedApp}${path}`, { body }).catch(() => null)
  const text = await response?.text().catch(() => null)
  if (response === null || text === null || text === undefined) return null
  const { data, error } = JSON.parse(text) as { data: Answer['data']; error?: { code: string } }
  return { status: response.status, code: error?.code ?? 'ok', data }
}

/** Numbers of a whole run. */
export interface MachineCounts {
  activated: number
  renewed: number
  released: number
  refused: number
  /** Calls without a response. */
  lost: Record<Lost | 'renew', number>
  /** Lost activations that had taken the seat. */
  taken: number
  readonly faults: string[]
}

/** The calls that got what they asked for. */
export function acknowledged({ activated, renewed, released }: MachineCounts): number {
  return activated + renewed + released
}

export function noCounts(): MachineCounts {
  const lost = { activate: 0, release: 0, renew: 0 }
  return { activated: 0, renewed: 0, released: 0, refused: 0, lost, taken: 0, faults: [] }
}

/** A machine that activates, renews and releases, and knows what the server has acknowledged. */
export class Machine {
  readonly installationId: string = crypto.randomUUID()
  readonly sold: SharedKey
  readonly #counts: MachineCounts
  #seat: { readonly id: string; token: string; revision: number } | null = null
  #isIn = false
  #lost: Lost | null = null
  /** The seat that a lost activation has taken. */
  #owed: StoredSeat | null = null

  constructor(sold: SharedKey, counts: MachineCounts) {
    this.sold = sold
    this.#counts = counts
  }

  get isSettled(): boolean {
    return this.#lost === null
  }

  #fault(what: string): void {
    this.#counts.faults.push(`${this.installationId} of ${this.sold.id}: ${what}`)
  }

  #keep({ id, token }: Answer['data']): void {
    const revision = revisionOf(token)
    if (this.#seat !== null && this.#seat.id !== id) this.#fault(`${this.#seat.id} became ${id}`)
    if (this.#seat !== null && this.#seat.revision >= revision) this.#fault('a revision came twice')
    this.#seat = { id, token, revision }
  }

  async #activate(url: string): Promise<void> {
    const body = { license_key: this.sold.key, installation_id: this.installationId }
    const answer = await call(url, '/license-keys/activate', body)
    if (answer === null) {
      this.#lost = 'activate'
      this.#counts.lost.activate++
      return
    }
    const owed = this.#owed
    this.#lost = null
    this.#owed = null
    if (answer.status === 200 || answer.status === 201) {
      if (answer.status === 201 && (owed !== null || this.#isIn)) this.#fault('its seat was taken anew')
      if (owed !== null && owed.id !== answer.data.id) this.#fault('a lost response cost a seat')
      this.#keep(answer.data)
      this.#isIn = true
      this.#counts.activated++
    } else if (answer.code === 'seat_limit_reached' && this.sold.isCrowded && !this.#isIn && owed === null) {
      this.#counts.refused++
      // Refusals cost nearly nothing, so without a pause they would crowd out all other calls.
      await setTimeout(20)
    } else this.#fault(`activation: ${answer.status} ${answer.code}`)
  }

  async #renew(url: string): Promise<void> {
    const { id, token } = this.#seat!
    const answer = await call(url, `/licenses/${id}/regenerate`, { current_token: token })
    if (answer === null) return void this.#counts.lost.renew++
    if (answer.status !== 200) return this.#fault(`renewal: ${answer.status} ${answer.code}`)
    this.#keep(answer.data)
    this.#counts.renewed++
  }

  async #release(url: string): Promise<void> {
    const { id, token, revision } = this.#seat!
    const credential = revision % 2 ? { current_token: token } : { license_key: this.sold.key }
    const answer = await call(url, `/licenses/${id}/release`, credential)
    if (answer === null) {
      this.#lost = 'release'
      this.#counts.lost.release++
      return
    }
    this.#lost = null
    this.#isIn = false
    if (answer.status === 200) this.#counts.released++
    else this.#fault(`release: ${answer.status} ${answer.code}`)
  }

  /** Makes one call. A call without a response is repeated first. */
  async step(url: string): Promise<void> {
    const kind = Math.random()
    if (this.#lost === 'activate' || (this.#lost === null && !this.#isIn)) await this.#activate(url)
    else if (this.#lost === 'release' || kind < 0.4) await this.#release(url)
    else if (kind < 0.8) await this.#renew(url)
    else await this.#activate(url)
  }

  /** Repeats a lost call until it gets its response. */
  async settle(url: string): Promise<void> {
    while (this.#lost !== null) await this.step(url)
  }

  /** Compares what was acknowledged with what is stored after a kill. */
  check(stored: StoredSeat | null): void {
    if (this.#isIn && this.#lost !== 'release') {
      if (stored?.isTaken !== true) return this.#fault('an acknowledged seat is lost')
      if (stored.id !== this.#seat!.id) this.#fault('an acknowledged seat became another')
      if (stored.revision < this.#seat!.revision) this.#fault('an acknowledged revision is lost')
    }
    if (!this.#isIn && this.#lost === null && stored?.isTaken === true)
      this.#fault('an acknowledged release is lost')
    if (!this.#isIn && this.#lost === 'activate' && stored?.isTaken === true) {
      if (this.#owed === null) this.#counts.taken++
      this.#owed = stored
    }
  }
}

/** All machines at work, each call after the other, until they are stopped. */
export class Machines {
  readonly all: readonly Machine[]
  #isOn = false
  #running: Promise<unknown> = Promise.resolve()

  constructor(all: readonly Machine[]) {
    this.all = all
  }

  start(url: string): void {
    this.#isOn = true
    this.#running = Promise.all(this.all.map((machine) => this.#run(machine, url)))
  }

  async #run(machine: Machine, url: string): Promise<void> {
    while (this.#isOn) {
      await machine.step(url)
      if (!machine.isSettled) await setTimeout(10)
    }
  }

  async stop(): Promise<void> {
    this.#isOn = false
    await this.#running
  }
}
