import { Type } from '@sinclair/typebox'
import { instant, integer, nullable, text } from '../input/fields.ts'
import { input } from '../input/parse.ts'
import type { AuditEntryRecord } from './audit-entries.ts'
import { formed, id, sealed, version, type RecordSchema } from './schema.ts'
import type { NumericDate } from './time.ts'

/** The end of the chain of audit entries. A storage has one chain, and so one record. */
export interface AuditChainRecord {
  /** The place of the last sealed entry; 0 before the first. */
  readonly seq: number
  /** The `mac` of that entry; `null` before the first. */
  readonly mac: string | null
  /** The id of the master key whose audit key seals now. */
  readonly keyId: string
  /** The earlier audit keys, each with the part of the chain that it sealed; `null` if there was no other. */
  readonly spans: string | null
  /** The last entry that was pruned; `null` if the chain is whole from its first entry. */
  readonly start: string | null
  /** The place up to which checkpoints are signed. */
  readonly checkpointSeq: number
  /** The time of the last checkpoints, or of the first entry. */
  readonly checkpointAt: NumericDate
  /** The time until which one server may sign checkpoints, and no other. */
  readonly leasedUntil: NumericDate
  /** Rises with every write. */
  readonly version: number
}

const place = (description: string, least: number) => integer(description, least, Number.MAX_SAFE_INTEGER)

function mac(description: string) {
  return formed(description, '^[A-Za-z0-9_-]{43}$', 'must be 32 bytes in base64url')
}

export const auditChainRecord: RecordSchema<AuditChainRecord> = input<AuditChainRecord>()(
  Type.Object({
    seq: place('Place of the last sealed entry; 0 before the first', 0),
    mac: nullable(mac('The mac of that entry; null before the first')),
    keyId: formed(
      'Id of the master key whose audit key seals now',
      '^[A-Za-z0-9_-]{12}$',
      'must be 9 bytes in base64url',
    ),
    spans: nullable(sealed('Earlier audit keys, each with the part of the chain that it sealed')),
    start: nullable(sealed('Place and mac of the last entry that was pruned')),
    checkpointSeq: place('Place up to which checkpoints are signed', 0),
    checkpointAt: instant('Time of the last checkpoints'),
    leasedUntil: instant('Time until which one server alone may sign checkpoints'),
    version: version(1),
  }),
)

/** A signed statement of the end that the chain had. It outlives its app. */
export interface AuditCheckpointRecord {
  readonly appId: string
  /** The place of the last entry at that time. An app has one checkpoint for each. */
  readonly seq: number
  /** The `mac` of that entry. */
  readonly mac: string
  /** The statement as a JWS in Compact Serialization (RFC 7515 section 7.1). */
  readonly token: string
  readonly createdAt: NumericDate
}

export const auditCheckpointRecord: RecordSchema<AuditCheckpointRecord> = input<AuditCheckpointRecord>()(
  Type.Object({
    appId: id('app', 'App whose key signed it; the key of the table with seq'),
    seq: place('Place of the last entry at that time', 1),
    mac: mac('The mac of that entry'),
    token: text('The signed statement (RFC 7515 section 7.1)', 1, 8192),
    createdAt: instant('Time of the signature'),
  }),
)

/** The fields of the chain that a write changes. */
export type AuditChainPatch = Partial<Omit<AuditChainRecord, 'version'>>

/** The place of an entry, and the code that seals both. */
export interface AuditSeal {
  /** `aud_…` */
  readonly id: string
  readonly seq: number
  readonly mac: string
}

export interface AuditChainStorage {
  /** Resolves to `null` before the first entry is sealed. */
  findAuditChain(): Promise<AuditChainRecord | null>
  /** Resolves to `false` and writes nothing if there is a chain. One of several concurrent callers wins. */
  insertAuditChain(chain: AuditChainRecord): Promise<boolean>
  /** Changes the chain if it has this version, and raises the version. Otherwise it resolves to `null`. One caller wins. */
  updateAuditChain(expectedVersion: number, patch: AuditChainPatch): Promise<AuditChainRecord | null>
  /** Entries that have no place yet, by id. */
  listUnsealedAuditEntries(limit: number): Promise<readonly AuditEntryRecord[]>
  countUnsealedAuditEntries(): Promise<number>
  /** Entries with a place after this one, by place. `null` is before every place, also one that nobody could have given. */
  listSealedAuditEntries(after: number | null, limit: number): Promise<readonly AuditEntryRecord[]>
  /**
   * Gives entries their places, in one step. Resolves to the number of them, which is smaller if some have a place already or
   * are gone. The caller rolls back then. Rejects with `conflict` if a place is taken.
   */
  sealAuditEntries(seals: readonly AuditSeal[]): Promise<number>
  /** The apps that have entries with a place after `after`, up to `until`, each once. */
  listAuditedApps(after: number, until: number): Promise<readonly string[]>
  /** Resolves to `false` and writes nothing if the app has a checkpoint with this `seq`. One of several concurrent callers wins. */
  insertAuditCheckpoint(checkpoint: AuditCheckpointRecord): Promise<boolean>
  /** Checkpoints after this one, by `seq` and app. Without `after` it begins with the first. */
  listAuditCheckpoints(
    limit: number,
    after?: Pick<AuditCheckpointRecord, 'seq' | 'appId'>,
  ): Promise<readonly AuditCheckpointRecord[]>
  /** The last checkpoint that was signed at `until` or before; `null` if there is none. */
  findAuditCheckpoint(until: NumericDate): Promise<AuditCheckpointRecord | null>
  /** Deletes up to `limit` checkpoints with a `seq` below `before`. Resolves to their number. */
  deleteAuditCheckpoints(before: number, limit: number): Promise<number>
}
