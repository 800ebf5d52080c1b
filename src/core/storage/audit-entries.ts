import { Type } from '@sinclair/typebox'
import { instant, integer, nullable, oneOf, text } from '../input/fields.ts'
import { input } from '../input/parse.ts'
import type { Mode } from './apps.ts'
import type { Page } from './page.ts'
import { formed, id, type RecordSchema } from './schema.ts'
import type { NumericDate } from './time.ts'

/** The kinds of actor. */
export type ActorType = 'api_key' | 'license' | 'license_key' | 'cli' | 'embedder' | 'system' | 'user'

const actorTypes = ['api_key', 'license', 'license_key', 'cli', 'embedder', 'system', 'user'] as const

/** One act, as the audit log keeps it. An entry outlives its app, its target and its actor. Only `seq` and `mac` ever change. */
export interface AuditEntryRecord {
  /** `aud_…` */
  readonly id: string
  /** `null` for an act outside any app. */
  readonly appId: string | null
  /** The mode of the app; outside any app, the mode of the keys that may read the entry. */
  readonly mode: Mode
  readonly createdAt: NumericDate
  readonly actorType: ActorType
  /** `null` for an actor without an id: the command line, the host, the server itself. */
  readonly actorId: string | null
  /** The name that the actor had then. */
  readonly actorLabel: string | null
  /** The type of the event, or the name of an act without one. */
  readonly action: string
  readonly targetType: string
  /** `null` for an act on the whole storage. */
  readonly targetId: string | null
  /** `{field: [before, after]}` as JSON. Every byte of it counts. */
  readonly changes: string
  readonly requestId: string | null
  /** The place in the chain, from 1; `null` until the entry is sealed. Unique. */
  readonly seq: number | null
  /** The code that seals the entry and its place, in base64url; `null` until then. */
  readonly mac: string | null
}

/** The longest text of changes: a tier has up to 100 features, and a license 50 limits, before and after. */
const maxChangesLength = 64 * 1024

const word = '^[a-z_]{1,63}$'

export const auditEntryRecord: RecordSchema<AuditEntryRecord> = input<AuditEntryRecord>()(
  Type.Object({
    id: id('aud', 'Id of the entry'),
    appId: nullable(id('app', 'App of the target, which may be gone; null for an act outside any app')),
    mode: oneOf('Mode of the keys that may read the entry', ['live', 'test']),
    createdAt: instant('Time of the act'),
    actorType: oneOf('Kind of the actor', actorTypes),
    actorId: nullable(text('Id of the actor; null for an actor without one', 1, 255)),
    actorLabel: nullable(text('Name of the actor at that time', 0, 255)),
    action: formed('Name of the act', '^[a-z_]{1,63}\\.[a-z_]{1,63}$', 'must be a noun, a dot and a verb'),
    targetType: formed('Kind of the target', word, 'must be a word of lower-case letters'),
    targetId: nullable(text('Id of the target; null for an act on the whole storage', 1, 255)),
    changes: text('JSON: each changed field with its value before and after', 2, maxChangesLength),
    requestId: nullable(text('Id of the HTTP request', 1, 255)),
    seq: nullable(
      integer('Place in the chain, from 1; null until the entry is sealed', 1, Number.MAX_SAFE_INTEGER),
    ),
    mac: nullable(
      formed('HMAC-SHA-256 that seals the entry', '^[A-Za-z0-9_-]{43}$', 'must be 32 bytes in base64url'),
    ),
  }),
)

/** The actor of entries. An id of `null` stands for an actor without one. */
export interface ActorFilter {
  readonly type: ActorType
  readonly id: string | null
}

/** Every given field must hold. */
export interface AuditEntryFilter {
  /** Only the entries of this mode. Without it, `targetId`, `actor` and `action` have no index in the order of the list. */
  readonly mode?: Mode | undefined
  /** Only the entries of this app. */
  readonly appId?: string | undefined
  readonly targetId?: string | undefined
  readonly actor?: ActorFilter | undefined
  readonly action?: string | undefined
  /** The first time. */
  readonly from?: NumericDate | undefined
  /** The time at which the list ends. An entry of this very time is not in it. */
  readonly to?: NumericDate | undefined
}

/** The entry of an update, which the storage writes in the same step. */
export interface UpdateNote<Entry> {
  /** The record, if the caller has read it. A storage may try with it first, and then has to see if it has changed since. */
  readonly known?: Entry
  /**
   * The entry for the record before the update. Of `before`, the fields that the update sets are sure to be true, and the others
   * may be as the caller knows them. It has no other effect, so a storage may call it again.
   */
  entryOf(before: Entry): AuditEntryRecord | undefined
  /**
   * True for a record that the update must not touch, such as a customer of another app. Then the storage leaves it as it is,
   * writes no entry, and resolves to it. A storage must ask: core does not look at the record before.
   */
  isDone?(before: Entry): boolean
}

/** One page of a pruning. */
export interface AuditPruning {
  /** Only entries that were made before this time. */
  readonly before: NumericDate
  /** Only sealed entries with a lower place than this. */
  readonly belowSeq: number
  /** The greatest number of entries to delete. */
  readonly limit: number
}

/** The entries of the audit log. A verb for an audited record takes its entry as well: see `insertCustomer`, `updateCustomer`. */
export interface AuditEntryStorage {
  /** @throws {LicensingError} `conflict` if the id of one is taken, by a sealed entry or another; then it writes none. */
  insertAuditEntries(entries: readonly AuditEntryRecord[]): Promise<void>
  /** Newest first. */
  listAuditEntries(filter: AuditEntryFilter, page: Page): Promise<readonly AuditEntryRecord[]>
  countAuditEntries(filter: AuditEntryFilter): Promise<number>
  /**
   * Deletes sealed entries in the order of their places, from the first one on, and stops at the first that must stay. So the
   * places that are left have no gap. Resolves to their number.
   */
  pruneAuditEntries(pruning: AuditPruning): Promise<number>
}
