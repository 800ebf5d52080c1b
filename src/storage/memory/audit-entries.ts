import type {
  AuditEntryFilter,
  AuditEntryRecord,
  AuditEntryStorage,
  AuditPruning,
} from '../../core/storage/index.ts'
import { takenError } from '../errors.ts'
import type { Runner } from './runner.ts'
import { countOf, takePage } from './table.ts'
import { placeOf, type LookUps, type Tables } from './tables.ts'

export function auditEntryStorage({ read, write }: Runner): AuditEntryStorage {
  return {
    insertAuditEntries: (entries) =>
      write((tables) => {
        for (const entry of entries) insertEntry(tables, entry)
      }),
    listAuditEntries: (filter, page) =>
      read(({ auditEntries }) =>
        takePage(auditEntries.descending('', page.after), page, entryPasses(filter)),
      ),
    countAuditEntries: (filter) =>
      read(({ auditEntries }) => countOf(auditEntries.ascending(), entryPasses(filter))),
    pruneAuditEntries: (pruning) => write((tables) => prune(tables, pruning)),
  }
}

function insertEntry({ auditEntries, auditPlaces }: Tables, entry: AuditEntryRecord): void {
  if (!auditEntries.insert(entry)) throw takenError()
  auditPlaces.insert(placeOf(entry))
}

/** Writes the entry of a write with this outcome. A write that changed nothing has none. Returns the outcome. */
export function addEntry<Outcome>(
  tables: Tables,
  entry: AuditEntryRecord | undefined,
  outcome: Outcome,
): Outcome {
  if (entry !== undefined && outcome !== false && outcome !== null) insertEntry(tables, entry)
  return outcome
}

function entryPasses({
  mode,
  appId,
  targetId,
  actor,
  action,
  from = 0,
  to = Infinity,
}: AuditEntryFilter): (entry: AuditEntryRecord) => boolean {
  return (entry) =>
    (mode === undefined || entry.mode === mode) &&
    (appId === undefined || entry.appId === appId) &&
    (targetId === undefined || entry.targetId === targetId) &&
    (actor === undefined || (entry.actorType === actor.type && entry.actorId === actor.id)) &&
    (action === undefined || entry.action === action) &&
    entry.createdAt >= from &&
    entry.createdAt < to
}

/** The sealed entries, by their places. */
function sealed({ auditEntries, auditPlaces }: LookUps): AuditEntryRecord[] {
  return [...auditPlaces.ascending('sealed')].map(({ id }) => auditEntries.get(id)!)
}

function prune(tables: Tables, { before, belowSeq, limit }: AuditPruning): number {
  const entries = sealed(tables).slice(0, limit)
  const stays = entries.findIndex(({ createdAt, seq }) => createdAt >= before || seq! >= belowSeq)
  const old = stays === -1 ? entries : entries.slice(0, stays)
  for (const { id } of old) {
    tables.auditEntries.delete(id)
    tables.auditPlaces.delete(id)
  }
  return old.length
}
