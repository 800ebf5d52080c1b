import { LicensingError } from '../../core/errors.ts'
import { describeOutage } from '../errors.ts'
import {
  type Result,
  connectionLost,
  requireCommitted,
  runOn,
  type Runner,
  type Session,
  type Sessions,
} from './session.ts'

/** A client of one connection. */
export interface SingleClient extends Runner {
  end(options: { readonly timeout: number }): Promise<void>
}

export interface OwnSessionsOptions {
  /** Makes a client that connects with its first statement, and calls `lost` once when its connection is gone. */
  readonly connect: (lost: () => void) => SingleClient
  /** The greatest number of connections. */
  readonly most: number
  /** The server is out of reach if a statement takes longer, in milliseconds. Then the connection is given up as well. */
  readonly patienceMs: number
}

interface Waiting {
  readonly serve: (session: OwnSession) => void
}

const waitMs = 10_000
const endTimeoutSeconds = 5

/**
 * Connections of our own. Each is a client of postgres.js with a single connection, and is dropped when the connection is
 * lost. A client of several connections would connect again under an open transaction, and run the rest outside it.
 */
export class OwnSessions implements Sessions {
  readonly #options: OwnSessionsOptions
  readonly #all = new Set<OwnSession>()
  readonly #idle: OwnSession[] = []
  readonly #waiting: Waiting[] = []

  constructor(options: OwnSessionsOptions) {
    this.#options = options
  }

  async acquire(): Promise<Session> {
    const idle = this.#idle.pop()
    if (idle !== undefined) return idle
    return this.#all.size < this.#options.most ? this.#open() : this.#wait()
  }

  release(session: Session): void {
    const own = session as OwnSession
    const next = this.#waiting.shift()
    if (own.isLost) {
      this.#all.delete(own)
      next?.serve(this.#open())
    } else if (next !== undefined) next.serve(own)
    else this.#idle.push(own)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map((session) => session.end()))
  }

  #open(): OwnSession {
    const session = new OwnSession(this.#options, () => this.#forget(session))
    this.#all.add(session)
    return session
  }

  /** Drops a session that was lost while idle. `release` drops a lost session that was in use. */
  #forget(session: OwnSession): void {
    const at = this.#idle.indexOf(session)
    if (at < 0) return
    this.#idle.splice(at, 1)
    this.#all.delete(session)
  }

  #wait(): Promise<OwnSession> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        reject(new LicensingError('unavailable', 'All connections to the database are busy'))
      }, waitMs)
      const serve = (session: OwnSession): void => {
        clearTimeout(timer)
        resolve(session)
      }
      const waiting: Waiting = { serve }
      this.#waiting.push(waiting)
    })
  }
}

class OwnSession implements Session {
  isLost = false
  readonly #client: SingleClient
  readonly #patienceMs: number
  #isInTransaction = false

  constructor({ connect, patienceMs }: OwnSessionsOptions, lost: () => void) {
    this.#patienceMs = patienceMs
    this.#client = connect(() => {
      this.isLost = true
      lost()
    })
  }

  async run(sql: string, parameters: readonly unknown[]): Promise<Result> {
    if (this.isLost) throw connectionLost()
    const deadline = setTimeout(() => this.#discard(), this.#patienceMs)
    try {
      return await runOn(this.#client, sql, parameters)
    } catch (error) {
      if (endsConnection(error)) this.#discard()
      throw error
    } finally {
      clearTimeout(deadline)
    }
  }

  async begin(mode: string): Promise<void> {
    await this.run(`begin ${mode}`, [])
    this.#isInTransaction = true
  }

  async commit(): Promise<void> {
    const result = await this.run('commit', [])
    this.#isInTransaction = false
    requireCommitted(result)
  }

  async rollback(): Promise<void> {
    if (this.isLost || !this.#isInTransaction) return
    this.#isInTransaction = false
    await this.run('rollback', []).catch(() => this.#discard())
  }

  async end(): Promise<void> {
    await this.#client.end({ timeout: endTimeoutSeconds })
  }

  #discard(): void {
    this.isLost = true
    void this.#client.end({ timeout: 0 })
  }
}

/** True if a connection is unusable after the error. It is usable if the server only refused one statement. */
function endsConnection(error: unknown): boolean {
  const { severity } = error as { readonly severity?: unknown }
  return severity !== 'ERROR' && describeOutage(error) !== undefined
}
