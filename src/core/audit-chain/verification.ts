import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import type { AuditChainRecord, AuditEntryRecord, NumericDate } from '../storage/index.ts'
import { canonicalText } from './canonical.ts'
import { readCheckpoint, type CheckpointClaims } from './checkpoints.ts'
import { beforeFirst, openChain, type ChainPlace, type OpenChain } from './keys.ts'

/** The kinds of fault. A code never changes. */
export type AuditFaultCode =
  'entry_altered' | 'entry_missing' | 'entry_unexpected' | 'chain_altered' | 'log_cut' | 'checkpoint_differs'

/** The first fault of the audit log. */
export interface AuditFault {
  /** The place of the first entry that is not as it was sealed. */
  readonly seq: number
  readonly code: AuditFaultCode
  readonly reason: string
}

/** The checkpoint that the log was compared with. */
export interface ComparedCheckpoint {
  /** The slug of the app that signed it. */
  readonly app: string
  readonly seq: number
  readonly issuedAt: NumericDate
  /** `pruned`: the log no longer has entries that old, so it can say nothing. */
  readonly state: 'matches' | 'differs' | 'pruned'
}

/**
 * The result of `licensing.audit.verify`.
 *
 * @example
 * ```ts
 * import type { AuditVerification } from 'heartwood'
 *
 * function describe({ valid, verified, unsealed, fault }: AuditVerification): string {
 *   return valid ? `${verified} entries, ${unsealed} not protected yet` : `${fault?.seq}: ${fault?.reason}`
 * }
 * ```
 */
export interface AuditVerification {
  /** True if it found no fault. */
  readonly valid: boolean
  /** The number of sealed entries that are as they were sealed, up to the first fault. */
  readonly verified: number
  /** The place of the last entry that was pruned; 0 if none was. */
  readonly prunedSeq: number
  /** The place of the last entry that is as it was sealed. */
  readonly lastSeq: number
  /** The number of entries that no seal protects yet. */
  readonly unsealed: number
  readonly fault: AuditFault | null
  /** `null` if none was given. */
  readonly checkpoint: ComparedCheckpoint | null
}

/** Options of `licensing.audit.verify`. */
export interface AuditVerifyOptions {
  /** A checkpoint that was kept elsewhere: the text of an event `audit.checkpoint`. */
  readonly checkpoint?: string
}

const pageSize = 500
/** The chain may be pruned or go under another key during a walk. Both are rare. */
const mostWalks = 5

const reasons: Readonly<Record<AuditFaultCode, (seq: number) => string>> = {
  entry_altered: (seq) => `Entry ${seq} is not as it was sealed: somebody changed it, or put it there`,
  entry_missing: (seq) => `Entry ${seq} is missing`,
  entry_unexpected: (seq) => `Entry ${seq} has a place that was never given`,
  chain_altered: (seq) => `The record of the chain is not as Heartwood wrote it, from entry ${seq} on`,
  log_cut: (seq) => `The log ends before entry ${seq}, and the checkpoint covers that entry`,
  checkpoint_differs: (seq) => `Another entry ${seq} was in the log when the checkpoint was signed`,
}

function faultAt(code: AuditFaultCode, seq: number): AuditFault {
  return { seq, code, reason: reasons[code](seq) }
}

/** The entries that a walk has verified. */
interface Walk {
  readonly last: ChainPlace
  readonly verified: number
  readonly fault: AuditFault | null
}

/** Sees each verified entry in order. */
type Visit = (place: ChainPlace) => void

/** The mac of an entry in its place. At the end of an earlier key it must be the last one of that key: a thief of it could go on otherwise. */
function sealOf(chain: OpenChain, before: ChainPlace, entry: AuditEntryRecord): string | null {
  const seq = before.seq + 1
  const span = chain.spans.find(({ until }) => seq <= until.seq)
  const mac = (span?.secret ?? chain.secret).next(before.mac, canonicalText(entry, seq))
  const isEnd = span?.until.seq === seq
  return isEnd && span.until.mac !== mac ? null : mac
}

function entryFault(chain: OpenChain, before: ChainPlace, entry: AuditEntryRecord): AuditFault | null {
  const seq = before.seq + 1
  if (entry.seq !== seq)
    return entry.seq !== null && entry.seq > seq
      ? faultAt('entry_missing', seq)
      : faultAt('entry_unexpected', entry.seq ?? seq)
  return sealOf(chain, before, entry) === entry.mac ? null : faultAt('entry_altered', seq)
}

/** Goes on with a walk over one page of entries, up to the first fault. */
export function walkPage(
  chain: OpenChain,
  walk: Walk,
  entries: readonly AuditEntryRecord[],
  visit: Visit = () => {},
): Walk {
  let { last, verified } = walk
  for (const entry of entries) {
    const fault = entryFault(chain, last, entry)
    if (fault !== null) return { last, verified, fault }
    last = { seq: last.seq + 1, mac: entry.mac! }
    verified++
    visit(last)
  }
  return { last, verified, fault: null }
}

/** The fault of the end of the log; `null` if it is where the chain says. */
function endFault(chain: AuditChainRecord, last: ChainPlace): AuditFault | null {
  if (chain.seq < last.seq) return faultAt('entry_unexpected', chain.seq + 1)
  const isWhole = (chain.mac ?? beforeFirst.mac) === last.mac && chain.checkpointSeq <= chain.seq
  return isWhole ? null : faultAt('chain_altered', last.seq)
}

/** Walks to the end of the log. It reads the chain after the entries, so that the chain is never behind them. */
async function walkAll({ storage }: Context, chain: OpenChain, visit: Visit): Promise<Walk> {
  let walk: Walk = { last: chain.start, verified: 0, fault: null }
  let after: number | null = null
  /** The end of the chain that was read before the last page. */
  let promised = 0
  for (;;) {
    const entries = await storage.listSealedAuditEntries(after, pageSize)
    walk = walkPage(chain, walk, entries, visit)
    const { last } = walk
    if (walk.fault !== null) return walk
    if (entries.length === 0 && promised > last.seq)
      return { ...walk, fault: faultAt('entry_missing', last.seq + 1) }
    after = last.seq
    if (entries.length === pageSize) continue
    const present = await storage.findAuditChain()
    promised = present?.seq ?? 0
    if (promised > last.seq) continue
    const fault = present === null ? faultAt('chain_altered', last.seq) : endFault(present, last)
    return { ...walk, fault }
  }
}

function openOrNull({ runtime }: Context, chain: AuditChainRecord): OpenChain | null {
  try {
    return openChain(runtime.sealer, chain)
  } catch (error) {
    if (error instanceof LicensingError && error.code === 'master_key') return null
    throw error
  }
}

/** True if the log was pruned, or went under another key, after the walk began. */
async function hasMoved({ storage }: Context, before: AuditChainRecord): Promise<boolean> {
  const now = await storage.findAuditChain()
  return now !== null && (['start', 'spans', 'keyId'] as const).some((name) => now[name] !== before[name])
}

interface WholeWalk extends Walk {
  readonly start: ChainPlace
}

async function walkFrom(context: Context, chain: AuditChainRecord, visit: Visit): Promise<WholeWalk> {
  const open = openOrNull(context, chain)
  if (open !== null) return { start: open.start, ...(await walkAll(context, open, visit)) }
  return { start: beforeFirst, last: beforeFirst, verified: 0, fault: faultAt('chain_altered', 1) }
}

async function walkNone({ storage }: Context): Promise<WholeWalk> {
  const [entry] = await storage.listSealedAuditEntries(null, 1)
  const fault = entry === undefined ? null : faultAt('chain_altered', entry.seq!)
  return { start: beforeFirst, last: beforeFirst, verified: 0, fault }
}

async function walkLog(context: Context, visit: Visit): Promise<WholeWalk> {
  for (let walks = 1; ; walks++) {
    const chain = await context.storage.findAuditChain()
    if (chain === null) {
      const none = await walkNone(context)
      // The first entry may have been sealed between the two reads.
      if (none.fault === null || walks >= mostWalks || (await context.storage.findAuditChain()) === null)
        return none
      continue
    }
    const walk = await walkFrom(context, chain, visit)
    if (walk.fault === null || walks >= mostWalks || !(await hasMoved(context, chain))) return walk
  }
}

/** The code that the log has at the place of the checkpoint; `null` if it has none. */
function comparison(
  claims: CheckpointClaims,
  walk: WholeWalk,
  found: string | null,
): ComparedCheckpoint['state'] {
  const { seq, head } = claims
  if (seq < walk.start.seq) return 'pruned'
  return (seq === walk.start.seq ? walk.start.mac : found) === head ? 'matches' : 'differs'
}

function checkpointFault({ seq }: CheckpointClaims, { last }: WholeWalk): AuditFault {
  return seq > last.seq ? faultAt('log_cut', last.seq + 1) : faultAt('checkpoint_differs', seq)
}

/** Verifies the whole audit log: see `AuditChain.verify`. */
export async function verifyAudit(
  context: Context,
  { checkpoint }: AuditVerifyOptions = {},
): Promise<AuditVerification> {
  const claims = checkpoint === undefined ? null : await readCheckpoint(context, checkpoint)
  let found: string | null = null
  const walk = await walkLog(context, ({ seq, mac }) => {
    if (seq === claims?.seq) found = mac
  })
  const state = claims === null ? null : comparison(claims, walk, found)
  const fault = walk.fault ?? (claims !== null && state === 'differs' ? checkpointFault(claims, walk) : null)
  return {
    valid: fault === null,
    verified: walk.verified,
    prunedSeq: walk.start.seq,
    lastSeq: walk.last.seq,
    unsealed: await context.storage.countUnsealedAuditEntries(),
    fault,
    checkpoint:
      claims === null || state === null
        ? null
        : { app: claims.aud, seq: claims.seq, issuedAt: claims.iat, state },
  }
}
