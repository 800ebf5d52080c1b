import type {
  AuditChainRecord,
  AuditChainStorage,
  AuditCheckpointRecord,
  AuditEntryRecord,
  AuditSeal,
  NumericDate,
} from '../../core/storage/index.ts'
import { takenError } from '../errors.ts'
import { patched } from './frozen.ts'
import type { Runner } from './runner.ts'
import { countOf, keyOf } from './table.ts'
import { placeOf, type AuditPlace, type LookUps, type StoredCheckpoint, type Tables } from './tables.ts'

const chainId = 'chain'

export function auditChainStorage({ read, write }: Runner): AuditChainStorage {
  return {
    findAuditChain: () => read(chainOf),
    insertAuditChain: (chain) => write(({ auditChains }) => auditChains.insert({ id: chainId, chain })),
    updateAuditChain: (expectedVersion, patch) =>
      write((tables) => {
        const chain = chainOf(tables)
        if (chain?.version !== expectedVersion) return null
        const next = { ...patched(chain, patch), version: expectedVersion + 1 }
        return tables.auditChains.replace({ id: chainId, chain: next })!.chain
      }),
    listUnsealedAuditEntries: (limit) =>
      read((tables) => firstOf(limit, entriesAt(tables, tables.auditPlaces.ascending('unsealed')))),
    countUnsealedAuditEntries: () => read(({ auditPlaces }) => countOf(auditPlaces.ascending('unsealed'))),
    listSealedAuditEntries: (after, limit) => read((tables) => firstOf(limit, sealedAfter(tables, after))),
    sealAuditEntries: (seals) => write((tables) => seals.filter((seal) => sealEntry(tables, seal)).length),
    listAuditedApps: (after, until) => read((tables) => auditedApps(tables, after, until)),
    insertAuditCheckpoint: (checkpoint) =>
      write(({ auditCheckpoints }) => auditCheckpoints.insert(stored(checkpoint))),
    listAuditCheckpoints: (limit, after) =>
      read(({ auditCheckpoints }) =>
        firstOf(limit, auditCheckpoints.ascending('', after && positionOf(after))).map(
          ({ checkpoint }) => checkpoint,
        ),
      ),
    findAuditCheckpoint: (until) => read((tables) => lastCheckpoint(tables, until)),
    deleteAuditCheckpoints: (before, limit) => write((tables) => deleteCheckpoints(tables, before, limit)),
  }
}

function chainOf({ auditChains }: LookUps): AuditChainRecord | null {
  return auditChains.get(chainId)?.chain ?? null
}

function positionOf({ seq, appId }: Pick<AuditCheckpointRecord, 'seq' | 'appId'>) {
  return { id: keyOf(appId, `${seq}`), position: seq }
}

function stored(checkpoint: AuditCheckpointRecord): StoredCheckpoint {
  return { ...positionOf(checkpoint), checkpoint }
}

function firstOf<Item>(limit: number, items: Iterable<Item>): Item[] {
  const taken: Item[] = []
  for (const item of items) {
    if (taken.length >= limit) break
    taken.push(item)
  }
  return taken
}

function* entriesAt(tables: LookUps, places: Iterable<AuditPlace>): Generator<AuditEntryRecord> {
  for (const { id } of places) yield tables.auditEntries.get(id)!
}

/** The sealed entries after a place, by place. */
function sealedAfter(tables: LookUps, given: number | null): Generator<AuditEntryRecord> {
  const after = given ?? -Infinity
  // No id sorts after this one.
  return entriesAt(tables, tables.auditPlaces.ascending('sealed', { id: '\u{10FFFF}', position: after }))
}

function sealEntry({ auditEntries, auditPlaces }: Tables, { id, seq, mac }: AuditSeal): boolean {
  const entry = auditEntries.get(id)
  if (entry === null || entry.seq !== null) return false
  const next = { ...entry, seq, mac }
  if (auditEntries.replace(next) === null) throw takenError()
  auditPlaces.replace(placeOf(next))
  return true
}

function auditedApps(tables: LookUps, after: number, until: number): string[] {
  const apps = new Set<string>()
  for (const { seq, appId } of sealedAfter(tables, after)) {
    if (seq! > until) break
    if (appId !== null) apps.add(appId)
  }
  return [...apps]
}

function lastCheckpoint({ auditCheckpoints }: LookUps, until: NumericDate): AuditCheckpointRecord | null {
  let last: AuditCheckpointRecord | null = null
  for (const { checkpoint } of auditCheckpoints.ascending())
    if (checkpoint.createdAt <= until && checkpoint.createdAt >= (last?.createdAt ?? 0)) last = checkpoint
  return last
}

function deleteCheckpoints({ auditCheckpoints }: Tables, before: number, limit: number): number {
  const old = firstOf(limit, auditCheckpoints.ascending()).filter(({ position }) => position < before)
  for (const { id } of old) auditCheckpoints.delete(id)
  return old.length
}
