import { Type } from '@sinclair/typebox'
import type { Actor } from '../actor.ts'
import type { Changes } from '../acts/changes.ts'
import { allItems, type FilterOf } from '../all-items.ts'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { isTypeId } from '../ids.ts'
import { instant, text } from '../input/fields.ts'
import { input, type Input } from '../input/parse.ts'
import { requireApp } from '../lookup.ts'
import { mapListing, pagingFields, readPage, type Listing, type Paging } from '../paging.ts'
import { isBound, requirePermission } from '../principal.ts'
import type { ActorFilter, AuditEntryFilter, AuditEntryRecord, Mode, NumericDate } from '../storage/index.ts'

/** One act, as the audit log tells of it. Times are whole seconds since 1970. */
export interface AuditEntry {
  /** `aud_…` */
  readonly id: string
  /** The id of the app, which may be gone; `null` for an act outside any app. */
  readonly app: string | null
  readonly mode: Mode
  readonly time: NumericDate
  readonly actor: Actor
  /** The type of the event, or the name of an act without one. */
  readonly action: string
  /** The thing that was changed or shown. It has no id if it is the whole storage. */
  readonly target: { readonly type: string; readonly id: string | null }
  /**
   * Each changed field with its value before and after, by the names and in the form of the HTTP API. A field that could hold a
   * secret or a person's data has `…` for a value.
   */
  readonly changes: Changes
  /** The id of the HTTP request; `null` if there was none. */
  readonly requestId: string | null
  /** Its place in the chain, from 1; `null` until it is sealed. */
  readonly seq: number | null
  /** The code that seals it. A checkpoint has the code of the last entry that it covers as `head`. `null` until it is sealed. */
  readonly mac: string | null
}

/** Query of `licensing.audit.list`. An entry has every given field. */
export interface AuditQuery extends Paging {
  /** The id of the thing that was changed. */
  readonly target?: string
  /** The id of an actor, or `cli`, `embedder` or `system` for an actor without one. */
  readonly actor?: string
  readonly action?: string
  /** Only entries from this time on. */
  readonly from?: NumericDate | Date
  /** Only entries before this time. */
  readonly to?: NumericDate | Date
}

/** Options of `licensing.audit.list`. */
export interface AuditOptions {
  /** Only the entries of this mode, if they are of all apps. Default `live`, or the mode of the API key, which may name no other. */
  readonly mode?: Mode
}

/**
 * The use cases of the audit log: `licensing.audit`. Every committed change has its entry, which outlives what it tells of.
 *
 * @example
 * ```ts
 * import type { Licensing } from 'heartwood'
 *
 * async function tell(licensing: Licensing, licenseId: string): Promise<void> {
 *   const { data } = await licensing.audit.list('desktop-app', { target: licenseId })
 *   for (const { action, actor } of data) console.log(action, actor.label ?? actor.id ?? actor.type)
 * }
 * ```
 */
export interface Audit {
  /**
   * The entries of an app, newest first. `null` reads those of all apps of a mode, of deleted ones too, and those outside any app.
   * @throws {LicensingError} `validation_error`, `not_found`; `forbidden`, for `null` also for an API key that is bound to an app.
   */
  list(app: string | null, query?: AuditQuery, options?: AuditOptions): Promise<Listing<AuditEntry>>
  /** Every matching entry, newest first, for `for await`. @throws {LicensingError} as `list`. */
  all(app: string | null, filter?: FilterOf<AuditQuery>, options?: AuditOptions): AsyncIterable<AuditEntry>
}

interface ParsedQuery extends AuditQuery {
  readonly from?: NumericDate
  readonly to?: NumericDate
}

export const auditQuery: Input<ParsedQuery> = input<ParsedQuery>()(
  Type.Object({
    ...pagingFields,
    target: Type.Optional(text('The id of the thing that was changed', 1, 255)),
    actor: Type.Optional(text('The id of an actor, or cli, embedder or system', 1, 255)),
    action: Type.Optional(text('The name of the act, such as license.revoked', 1, 127)),
    from: Type.Optional(instant('The first time')),
    to: Type.Optional(instant('The time before which the entries end')),
  }),
)

const withoutId = ['cli', 'embedder', 'system'] as const
const typesById = { key: 'api_key', lic: 'license', lkey: 'license_key' } as const

/** The actor of this name. A text that is no id of ours is that of a user. */
function actorNamed(name: string): ActorFilter {
  const plain = withoutId.find((type) => type === name)
  if (plain !== undefined) return { type: plain, id: null }
  const prefix = (Object.keys(typesById) as (keyof typeof typesById)[]).find((each) => isTypeId(each, name))
  return { type: prefix === undefined ? 'user' : typesById[prefix], id: name }
}

function toEntry(record: AuditEntryRecord): AuditEntry {
  return {
    id: record.id,
    app: record.appId,
    mode: record.mode,
    time: record.createdAt,
    actor: { type: record.actorType, id: record.actorId, label: record.actorLabel },
    action: record.action,
    target: { type: record.targetType, id: record.targetId },
    changes: JSON.parse(record.changes) as Changes,
    requestId: record.requestId,
    seq: record.seq,
    mac: record.mac,
  }
}

async function read(
  { storage }: Context,
  { target, actor, action, from, to, ...paging }: ParsedQuery,
  place: Pick<AuditEntryFilter, 'mode' | 'appId'>,
): Promise<Listing<AuditEntry>> {
  const by = actor === undefined ? undefined : actorNamed(actor)
  const filter: AuditEntryFilter = { ...place, targetId: target, actor: by, action, from, to }
  const listing = await readPage(paging, {
    prefix: 'aud',
    list: (page) => storage.listAuditEntries(filter, page),
    count: () => storage.countAuditEntries(filter),
    position: ({ id }) => ({ id }),
  })
  return mapListing(listing, toEntry)
}

/** The mode whose entries the caller reads. @throws {LicensingError} `forbidden` unless it may read those of all its apps. */
function modeOfAll({ principal }: Context, { mode }: AuditOptions): Mode {
  requirePermission(principal, 'audit:read')
  if (principal === null) return mode ?? 'live'
  if (isBound(principal))
    throw new LicensingError('forbidden', 'This API key may read the audit log of its own app alone')
  if (mode !== undefined && mode !== principal.mode)
    throw new LicensingError('forbidden', 'This API key may read the audit log of its own mode alone')
  return principal.mode
}

async function list(
  context: Context,
  app: string | null,
  query: AuditQuery = {},
  options: AuditOptions = {},
): Promise<Listing<AuditEntry>> {
  if (app === null) {
    const mode = modeOfAll(context, options)
    return read(context, auditQuery.parse(query), { mode })
  }
  const given = auditQuery.parse(query)
  const { id: appId, mode } = await requireApp(context, app, 'audit:read')
  return read(context, given, { appId, mode })
}

export function bindAudit(context: Context): Audit {
  return {
    list: (app, query, options) => list(context, app, query, options),
    all: (app, filter, options) =>
      allItems((paging) => list(context, app, { ...filter, ...paging }, options)),
  }
}
