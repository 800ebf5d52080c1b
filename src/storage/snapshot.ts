/**
 * Internal to Heartwood: the command line reads databases through this file. A snapshot shows a database as of one moment,
 * and nothing done with it can change the database. Opening one neither migrates nor writes.
 *
 * @module
 */
export type { Snapshot } from './kysely/snapshot.ts'
export { readPostgresSnapshot } from './postgres/snapshot.ts'
export { readSqliteSnapshot } from './sqlite/snapshot.ts'
export { logOf } from './sqlite/disk-file.ts'
