import { maxStatements } from '../core/token/statement-limits.ts'
import {
  protectedHeader,
  readStatement,
  warrantOf,
  type ReadStatement,
  type SignedStatement,
} from '../core/token/statement.ts'
import type { ExpectedToken, VerificationKey } from '../core/token/token.ts'
import type { TrustedKey } from './public-keys.ts'

// The client imports this file on demand, because its 20 kB have no room for it.

/** A statement at its place in the chain. */
interface Link extends ReadStatement {
  /** True if recovery keys signed it. */
  readonly recovers: boolean
}

/** The chain as the store keeps it. Each start walks it again, so the store can add nothing. */
export interface StoredTrust {
  readonly hash: string
  readonly statements: readonly SignedStatement[]
}

/** The outcome of a trust file. */
export interface Offered {
  /** True if the file leads elsewhere than the chain. */
  readonly isAstray: boolean
  /** The first `seq` at which the file contradicts the chain; `null` for none. */
  readonly conflict: number | null
}

/** In characters. Versions without succession refuse a record of more than 256 KiB, and the tokens need room in it. */
const maxStored = 128 * 1_024

function statementsOf(file: unknown): readonly SignedStatement[] {
  const { statements } = Object(file) as { readonly statements?: unknown }
  return Array.isArray(statements) && statements.length <= maxStatements ? statements : []
}

function payloadIn(statement: unknown): unknown {
  return (Object(statement) as Partial<SignedStatement>).payload
}

/** The number of the last recovery among links; 0 for none. */
function lastRecovery(links: readonly Link[]): number {
  return Math.max(0, ...links.map(({ seq, recovers }) => (recovers ? seq : 0)))
}

/**
 * By kid: the time after which that key signed no more. It is never before the statement that left the key: otherwise a later
 * key could revoke an earlier one.
 */
function retiredBy(links: readonly Link[]): ReadonlyMap<string, number> {
  const left = new Map(links.slice(1).map(({ iat }, at) => [links[at]!.kid, iat]))
  const retired = new Map<string, number>()
  for (const [kid, time] of links.flatMap((link) => Object.entries(link.retired)))
    retired.set(kid, Math.max(left.get(kid) ?? 0, Math.min(time, retired.get(kid) ?? time)))
  return retired
}

/** The chain of statements from a key that the program carries to the key that signs now. */
export class KeyChain {
  readonly #expected: ExpectedToken
  #anchors: readonly VerificationKey[]
  #links: readonly Link[] = []
  /** The statements before the first link. Programs that were built earlier share the store, and begin there. */
  #earlier: readonly SignedStatement[] = []
  #revoked: ReadonlySet<string> = new Set()
  #retired: ReadonlyMap<string, number> = new Map()
  #turn: Promise<unknown> = Promise.resolve()
  /** The keys to which the chain has led, oldest first. A change gives another array. */
  keys: readonly TrustedKey[] = []
  /** The chain for the store; `null` if it goes no further than the program's own file, or is too long. */
  stored: StoredTrust | null = null

  constructor(expected: ExpectedToken, anchors: readonly VerificationKey[]) {
    this.#expected = expected
    this.#anchors = anchors
  }

  /** Takes the trust file that the program carries. @throws {TypeError} if one of its statements does not hold. */
  async carry(file: unknown): Promise<void> {
    const statements = statementsOf(file)
    const first = await readStatement(statements[0], this.#expected)
    if (first !== null) this.#anchors = [first]
    await this.offer(file)
    const { length } = this.#links
    if (length === 0 || length < statements.length)
      throw new TypeError(
        `publicKeys holds a trust file of another app, or a damaged one: see its statement ${length + 1}`,
      )
    this.stored = null
  }

  /** True for a token that this key may not have signed. */
  refuses(kid: string, iat: number): boolean {
    return this.#revoked.has(kid) || iat > (this.#retired.get(kid) ?? Infinity)
  }

  /** Follows a trust file as far as it holds, after all earlier ones. Resolves to `null` if it is none. Never rejects. */
  offer(file: unknown): Promise<Offered | null> {
    const statements = statementsOf(file)
    const offered = this.#turn.then(() => (statements.length === 0 ? null : this.#take(statements)))
    this.#turn = offered
    return offered
  }

  async #take(given: readonly SignedStatement[]): Promise<Offered> {
    const { start, base, rest } = this.#compare(given)
    if (rest.length === 0) return { isAstray: false, conflict: null }
    const begin = start < 0 && (await this.#isNext(given[0]!)) ? this.#links : base
    const { links, skipped } = await this.#walk(begin, rest)
    return this.#judge(begin, links, skipped, links.at(-1)?.payload !== payloadIn(rest.at(-1)))
  }

  /** The links up to which the statements are known, and those that come after. `start` is the first known one, or -1. */
  #compare(given: readonly SignedStatement[]): {
    readonly start: number
    readonly base: readonly Link[]
    readonly rest: readonly SignedStatement[]
  } {
    const known = this.#links.map(({ payload }) => payload)
    const start = given.findIndex((statement) => known.includes(payloadIn(statement) as string))
    if (start < 0) return { start, base: [], rest: given }
    const from = known.indexOf(given[start]!.payload)
    const other = known.slice(from).findIndex((payload, at) => payloadIn(given[start + at]) !== payload)
    const count = other < 0 ? known.length - from : other
    return { start, base: this.#links.slice(0, from + count), rest: given.slice(start + count) }
  }

  /** A long license file leaves its oldest statements out, perhaps all that are known. */
  async #isNext(statement: SignedStatement): Promise<boolean> {
    return this.#links.length > 0 && (await this.#walk(this.#links, [statement])).links.length > 0
  }

  #judge(
    base: readonly Link[],
    links: readonly Link[],
    skipped: readonly SignedStatement[],
    isAstray: boolean,
  ): Offered {
    const replaced = this.#links.slice(base.length)
    // A fork cannot bring its own recovery set: a succession leaves the one that stood where the two part.
    const mayHeal = !!base.at(-1)?.recovery && lastRecovery(links) > lastRecovery(replaced)
    if (links.length === 0) return { isAstray, conflict: null }
    if (replaced.length > 0 && !mayHeal) return { isAstray: true, conflict: links[0]!.seq }
    if (base.length === 0) this.#earlier = skipped
    this.#follow([...base, ...links])
    return { isAstray, conflict: null }
  }

  #follow(links: readonly Link[]): void {
    this.#links = links
    this.#retired = retiredBy(links)
    this.#revoked = new Set(links.flatMap(({ revoked }) => revoked))
    this.keys = links.map(({ kid, publicKey, key: jwk }) => ({ kid, publicKey, jwk: { ...jwk } }))
    this.stored = this.#formatted(links)
  }

  #formatted(links: readonly Link[]): StoredTrust | null {
    const { hash } = links.at(-1)!
    const statements = links.map(({ payload, signatures }) => ({ payload, signatures }))
    // Anybody on the way may add signatures that count for nothing.
    const bare = links.map(({ payload, counted }) => ({ payload, signatures: [...counted.values()] }))
    const kept = [[...this.#earlier, ...statements], statements, bare].find(
      (list) => JSON.stringify(list).length <= maxStored,
    )
    return kept === undefined ? null : { hash, statements: kept }
  }

  /** The links that follow `base`, up to the first fault. */
  async #walk(
    base: readonly Link[],
    rest: readonly SignedStatement[],
  ): Promise<{ readonly links: readonly Link[]; readonly skipped: readonly SignedStatement[] }> {
    const links = [...base]
    const skipped: SignedStatement[] = []
    for (const statement of rest) {
      const reading = links.length > 0 ? this.#next(links, statement) : this.#first(statement)
      // Whatever else a statement holds, such as a signature that is null, is a fault.
      const link = await reading.catch(() => null)
      if (link !== null) links.push(link)
      else if (links.length > 0) break
      else skipped.push(statement)
    }
    return { links: links.slice(base.length), skipped }
  }

  async #next(links: readonly Link[], statement: SignedStatement): Promise<Link | null> {
    const last = links.at(-1)!
    const read = await readStatement(statement, this.#expected)
    if (read === null || read.seq !== last.seq + 1 || read.prev !== last.hash) return null
    // A key that was left never comes back; only the present one may be named again.
    if (links.some(({ kid }) => kid === read.kid && kid !== last.kid)) return null
    const warrant = await warrantOf(read, { signers: [last], recovery: last.recovery })
    return warrant && { ...read, recovers: warrant === 'recovery' }
  }

  /** The first link: a statement that a key of the program has signed. */
  async #first(statement: SignedStatement): Promise<Link | null> {
    const headers = this.#anchors.map(({ kid }) => protectedHeader(kid))
    const { signatures } = Object(statement) as Partial<SignedStatement>
    if (!Array.isArray(signatures) || !signatures.some((one) => headers.includes(Object(one).protected)))
      return null
    const read = await readStatement(statement, this.#expected)
    return read !== null && (await this.#isFirst(read)) ? { ...read, recovers: false } : null
  }

  async #isFirst(read: ReadStatement): Promise<boolean> {
    const { kid, revoked, retired } = read
    const isOwn = this.#anchors.some((anchor) => anchor.kid === kid)
    // The keys before it are none of the program's, so that it says what became of them is no matter.
    if (isOwn)
      return this.#anchors.every((anchor) => !revoked.includes(anchor.kid)) && !Object.hasOwn(retired, kid)
    return (await warrantOf(read, { signers: this.#anchors, recovery: null })) !== null
  }
}
