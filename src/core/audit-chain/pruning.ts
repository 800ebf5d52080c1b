import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import type { AuditChainRecord, AuditEntryRecord, NumericDate } from '../storage/index.ts'
import { maxInstant } from '../time.ts'
import { openChain, sealStart, type ChainPlace } from './keys.ts'
import { walkPage } from './verification.ts'

/** A page is one transaction, short enough that other writers hardly wait. */
const pageSize = 500

function broken(seq: number): LicensingError {
  return new LicensingError('conflict', `The audit log is not whole at entry ${seq}, so it is not pruned`)
}

/** The entries at the start that are old enough. Their own codes prove their times, so a forged row makes none old. */
function oldest(
  entries: readonly AuditEntryRecord[],
  before: NumericDate,
  until: number,
): readonly AuditEntryRecord[] {
  const end = entries.findIndex(({ createdAt, seq }) => createdAt >= before || seq! > until)
  return end === -1 ? entries : entries.slice(0, end)
}

/** The new start, after the entries are verified. @throws {LicensingError} `conflict` if one is not as it was sealed. */
function startAfter(
  context: Context,
  chain: AuditChainRecord,
  entries: readonly AuditEntryRecord[],
): ChainPlace {
  const open = openChain(context.runtime.sealer, chain)
  const { last, fault } = walkPage(open, { last: open.start, verified: 0, fault: null }, entries)
  if (fault !== null) throw broken(fault.seq)
  return last
}

/** Moves the start and deletes the entries before it in one transaction, so that the rest verifies at every moment. */
async function move(
  { storage, runtime }: Context,
  chain: AuditChainRecord,
  { seq, mac }: ChainPlace,
  limit: number,
): Promise<boolean> {
  const start = sealStart(runtime.sealer, { seq, mac })
  return storage.transaction(async (tx) => {
    if ((await tx.updateAuditChain(chain.version, { start })) === null) return false
    await tx.pruneAuditEntries({ before: maxInstant + 1, belowSeq: seq + 1, limit })
    return true
  })
}

/** Resolves to the number of entries that it has deleted; `null` if another write of the chain came first. */
async function prunePage(context: Context, before: NumericDate, until: number): Promise<number | null> {
  const chain = await context.storage.findAuditChain()
  if (chain === null) return 0
  const { start } = openChain(context.runtime.sealer, chain)
  const entries = oldest(await context.storage.listSealedAuditEntries(start.seq, pageSize), before, until)
  if (entries.length === 0) return 0
  const next = startAfter(context, chain, entries)
  return (await move(context, chain, next, entries.length)) ? entries.length : null
}

async function pruneCheckpoints({ storage, runtime }: Context): Promise<void> {
  const chain = await storage.findAuditChain()
  if (chain === null) return
  const { seq } = openChain(runtime.sealer, chain).start
  let count: number
  do count = await storage.deleteAuditCheckpoints(seq, pageSize)
  while (count === pageSize)
}

/**
 * Deletes the sealed entries that were made before a time, from the first one on, but none after the last checkpoint that was
 * signed before that time. The start of the chain moves with them, and only the master key can move it.
 *
 * Resolves to the number of entries.
 * @throws {LicensingError} `conflict` if an entry is not as it was sealed: it would be lost as evidence.
 */
export async function pruneAuditLog(context: Context, before: NumericDate): Promise<number> {
  const checkpoint = await context.storage.findAuditCheckpoint(before)
  if (checkpoint === null) return 0
  let total = 0
  for (;;) {
    const count = await prunePage(context, before, checkpoint.seq)
    total += count ?? 0
    if (count === 0) break
  }
  if (total > 0) await pruneCheckpoints(context)
  return total
}
