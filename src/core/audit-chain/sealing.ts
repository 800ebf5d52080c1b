import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import type { AuditChainRecord, AuditEntryRecord, AuditSeal } from '../storage/index.ts'
import { canonicalText } from './canonical.ts'
import { endOf, firstKeyId, sealingSecret, startOf, type ChainPlace } from './keys.ts'

/** A page is one transaction, short enough that other writers hardly wait. */
const pageSize = 500

/** Rolls back a page that another server has sealed. */
class LostRace extends Error {}

async function beginChain({ storage, runtime }: Context): Promise<AuditChainRecord | null> {
  const now = runtime.now()
  await storage.insertAuditChain({
    seq: 0,
    mac: null,
    keyId: firstKeyId(runtime.sealer),
    spans: null,
    start: null,
    checkpointSeq: 0,
    checkpointAt: now,
    leasedUntil: 0,
    version: 1,
  })
  return storage.findAuditChain()
}

/** The places of entries that come next, and the codes that seal them. */
function sealsOf(
  { runtime }: Context,
  chain: AuditChainRecord,
  entries: readonly AuditEntryRecord[],
): readonly AuditSeal[] {
  const secret = sealingSecret(runtime.sealer, chain)
  let { seq, mac } = endOf(chain)
  return entries.map((entry) => {
    seq++
    mac = secret.next(mac, canonicalText(entry, seq))
    return { id: entry.id, seq, mac }
  })
}

/** Writes the new end first: only one server can raise this version, and the others stop there. */
async function write(
  { storage }: Context,
  chain: AuditChainRecord,
  seals: readonly AuditSeal[],
): Promise<boolean> {
  const { seq, mac } = seals.at(-1)!
  try {
    await storage.transaction(async (tx) => {
      if ((await tx.updateAuditChain(chain.version, { seq, mac })) === null) throw new LostRace()
      if ((await tx.sealAuditEntries(seals)) !== seals.length) throw new LostRace()
    })
    return true
  } catch (error) {
    if (error instanceof LostRace) return false
    throw error
  }
}

/** True if the chain still has an entry that this process has sealed, or has pruned it since. */
async function stillHas(
  { storage, runtime }: Context,
  chain: AuditChainRecord,
  { seq, mac }: ChainPlace,
): Promise<boolean> {
  if (chain.seq <= seq) return chain.seq === seq && chain.mac === mac
  if (startOf(runtime.sealer, chain).seq >= seq) return true
  const [entry] = await storage.listSealedAuditEntries(seq - 1, 1)
  return entry?.seq === seq && entry.mac === mac
}

/**
 * Tells once if somebody has set the chain back while this process runs, which the log alone does not show. Then the process
 * goes on from the present end: whoever can set a chain back must not be able to end the log.
 */
async function requireNotSetBack(context: Context, chain: AuditChainRecord): Promise<void> {
  const { lastSealed } = context.runtime
  const known = lastSealed.place
  if (known === null || (await stillHas(context, chain, known))) return
  lastSealed.place = null
  const message = `The audit log was set back: entry ${known.seq}, which this server has sealed, is gone or another`
  throw new LicensingError('conflict', message)
}

/** Resolves to the number of entries that it has sealed: 0 if none waits, or if another server seals them. */
async function sealPage(context: Context): Promise<number> {
  // An idle server reads no more than this.
  const entries = await context.storage.listUnsealedAuditEntries(pageSize)
  if (entries.length === 0) return 0
  const chain = (await context.storage.findAuditChain()) ?? (await beginChain(context))
  if (chain === null) return 0
  await requireNotSetBack(context, chain)
  const seals = sealsOf(context, chain, entries)
  if (!(await write(context, chain, seals))) return 0
  context.runtime.lastSealed.place = seals.at(-1)!
  return seals.length
}

/**
 * Seals the entries that are committed, in the order of their ids. An entry that commits late gets a later place: the chain
 * proves which entries there are, and each entry states its own time.
 */
export async function sealEntries(context: Context): Promise<number> {
  let total = 0
  for (;;) {
    const count = await sealPage(context)
    total += count
    if (count < pageSize) return total
  }
}
