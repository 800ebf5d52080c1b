import type { DeletionRecord, DeletionStorage } from '../../core/storage/index.ts'
import type { Runner } from './runner.ts'
import type { LookUps } from './tables.ts'

/** Memory deletes a record with all of its dependents in one step, so no deletion ever begins. */
export function deletionStorage({ read }: Runner): DeletionStorage {
  return {
    beginDeletion: (deletion) => read((tables) => (exists(tables, deletion) ? 'small' : 'missing')),
    continueDeletion: () => read(() => null),
    listDeletions: () => read(() => []),
  }
}

function exists({ apps, tiers, customers }: LookUps, { kind, id }: DeletionRecord): boolean {
  const tables = { app: apps, tier: tiers, customer: customers }
  return tables[kind].get(id) !== null
}
