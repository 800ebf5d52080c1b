import type { Storage, StorageSession, UpdateNote } from '../../../src/core/index.ts'
import { isRead } from '../../../src/core/storage/verbs.ts'

/** Writes that are nobody's act: bookkeeping, and the upkeep of the server. */
const upkeep: ReadonlySet<string> = new Set([
  'claimKeyCheck',
  'holdLicenseKey',
  'insertStoredResponse',
  'insertWebhook',
  'touchApiKeys',
])

type Verb = (...given: readonly unknown[]) => Promise<unknown>

/** The verbs that one step has run. */
interface Step {
  readonly writes: string[]
  hasEntry: boolean
}

function isEntry(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'actorType' in value
}

function isNote(value: unknown): value is UpdateNote<unknown> {
  return typeof value === 'object' && value !== null && 'entryOf' in value
}

/** The same note, which tells whenever it makes an entry. */
function told(note: UpdateNote<unknown>, tell: () => void): UpdateNote<unknown> {
  const entryOf: typeof note.entryOf = (before) => {
    const entry = note.entryOf(before)
    if (entry !== undefined) tell()
    return entry
  }
  return { ...note, entryOf }
}

function noting<Session extends StorageSession>(session: Session, stepOf: () => Step): Session {
  return new Proxy(session, {
    get(target, name) {
      const verb: unknown = Reflect.get(target, name)
      if (typeof verb !== 'function' || typeof name === 'symbol') return verb
      if (name === 'transaction' || name === 'close' || name === 'ping' || isRead(name)) return verb
      return async (...given: readonly unknown[]) => {
        const step = stepOf()
        let isNoted = given.some(isEntry)
        const all = given.map((value) => (isNote(value) ? told(value, () => (isNoted = true)) : value))
        const outcome = await (verb as Verb).call(target, ...all)
        if (outcome === false || outcome === null) return outcome
        if (name === 'insertAuditEntries' || isNoted) step.hasEntry = true
        else if (!upkeep.has(name)) step.writes.push(name)
        return outcome
      }
    },
  })
}

/** A storage, and the committed writes that have come without an entry in the audit log. */
export interface Watched {
  readonly storage: Storage
  readonly unaudited: string[]
}

export function watched(storage: Storage): Watched {
  const unaudited: string[] = []
  const finish = ({ writes, hasEntry }: Step): void => {
    if (writes.length > 0 && !hasEntry) unaudited.push(writes.join(' '))
  }
  const alone = noting(storage, () => {
    const step: Step = { writes: [], hasEntry: false }
    // A write outside a transaction is a step of its own, which ends with the verb.
    setTimeout(() => finish(step), 0)
    return step
  })
  const watching = new Proxy(alone, {
    get(target, name) {
      if (name !== 'transaction') return Reflect.get(target, name) as unknown
      const transaction: Storage['transaction'] = async (work, options) => {
        let step: Step = { writes: [], hasEntry: false }
        const result = await storage.transaction((tx) => {
          step = { writes: [], hasEntry: false }
          return work(noting(tx, () => step))
        }, options)
        finish(step)
        return result
      }
      return transaction
    },
  })
  return { storage: watching, unaudited }
}
