import type { Context } from '../context.ts'
import type { AuditChainRecord, AuditEntryRecord, AuditSeal } from '../storage/index.ts'
import { canonicalText } from './canonical.ts'
import { endOf, firstKeyId, sealingSecret } from './keys.ts'

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

/** Resolves to the number of entries that it has sealed: 0 if none waits, or if another server seals them. */
async function sealPage(context: Context): Promise<number> {
  // An idle server reads no more than this.
  const entries = await context.storage.listUnsealedAuditEntries(pageSize)
  if (entries.length === 0) return 0
  const chain = (await context.storage.findAuditChain()) ?? (await beginChain(context))
  if (chain === null) return 0
  const seals = sealsOf(context, chain, entries)
  return (await write(context, chain, seals)) ? seals.length : 0
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
