import { sql } from 'kysely'
import type {
  DeletedPage,
  DeletionPage,
  DeletionRecord,
  DeletionStorage,
  LicenseKeyRecord,
  LicenseRecord,
} from '../../core/storage/index.ts'
import type { Row } from '../schema.ts'
import { lockRow, rowLock, skipLocked, typed } from './dialect.ts'
import type { Reader, Writer } from './executor.ts'
import { isPresent } from './presence.ts'
import { deleteById } from './queries.ts'
import { deletionRows, licenseKeyRows, licenseRows } from './rows.ts'
import { KyselySecrets } from './secrets.ts'
import { deleteTallies } from './tally-deletion.ts'

type Kind = DeletionRecord['kind']

const tables = { app: 'heartwood_app', tier: 'heartwood_tier', customer: 'heartwood_customer' } as const

/**
 * On SQLite a page keeps the event loop. So it is removed in parts, until it has taken some time. The commit takes as long
 * again, because each license has entries all over the indexes. So does the move of the log into the file.
 *
 * For each deleted license, both of them write two pages of the file. So with a limit of time alone, a fast processor
 * gives the disk more than it writes in one turn.
 */
interface Part {
  readonly rows: number
  readonly milliseconds: number
  /** The most rows of a page that deletes. A page of a tier has no such limit, because its licenses keep most of their entries. */
  readonly mostDeleted: number
}

const partOnLoop: Part = { rows: 50, milliseconds: 6, mostDeleted: 150 }

/** Dependents of which there may be any number. The last step removes the others with the record itself. */
interface Dependents {
  readonly table:
    | 'heartwood_license'
    | 'heartwood_license_key'
    | 'heartwood_customer'
    | 'heartwood_delivery'
    | 'heartwood_tally'
  /** The column that names the record. */
  readonly owner: 'app_id' | 'tier_id' | 'customer_id'
}

const dependents: Readonly<Record<Kind, readonly Dependents[]>> = {
  app: [
    { table: 'heartwood_license', owner: 'app_id' },
    { table: 'heartwood_license_key', owner: 'app_id' },
    { table: 'heartwood_customer', owner: 'app_id' },
    { table: 'heartwood_delivery', owner: 'app_id' },
    { table: 'heartwood_tally', owner: 'app_id' },
  ],
  tier: [
    { table: 'heartwood_license', owner: 'tier_id' },
    { table: 'heartwood_license_key', owner: 'tier_id' },
  ],
  customer: [
    { table: 'heartwood_license', owner: 'customer_id' },
    { table: 'heartwood_license_key', owner: 'customer_id' },
  ],
}

export abstract class KyselyDeletions extends KyselySecrets implements DeletionStorage {
  async beginDeletion(deletion: DeletionRecord, limit: number): Promise<'begun' | 'small' | 'missing'> {
    const size = await this.executor.read((db) => sizeOf(db, deletion, limit))
    if (size !== 'large') return size
    const hasBegun = await this.executor.atomically((db) => begin(db, deletion))
    if (hasBegun && deletion.kind === 'app') await this.executor.secretErased()
    return hasBegun ? 'begun' : 'missing'
  }

  async continueDeletion(id: string, page: DeletionPage): Promise<DeletedPage | null> {
    this.executor.willWriteMuch()
    const whole = { ...partOnLoop, rows: page.limit, mostDeleted: page.limit }
    const part = this.executor.blocksLoop ? partOnLoop : whole
    return this.executor.atomically((db) => continueDeletion(db, id, page, part))
  }

  async listDeletions(): Promise<readonly DeletionRecord[]> {
    const rows = await this.executor.read((db) => db.selectFrom('heartwood_deletion').selectAll().execute())
    return deletionRows.toRecords(rows)
  }
}

async function sizeOf(
  db: Reader,
  { kind, id }: DeletionRecord,
  limit: number,
): Promise<'large' | 'small' | 'missing'> {
  const record = db.selectFrom(tables[kind]).select('id').where('id', '=', id).where(isPresent('id'))
  if ((await record.executeTakeFirst()) === undefined) return 'missing'
  let left = limit
  for (const { table, owner } of dependents[kind]) {
    const { rows } = await sql`select 1 as one from ${sql.table(table)}
      where ${sql.ref(owner)} = ${id} limit ${left + 1}`.execute(db)
    if (rows.length > left) return 'large'
    left -= rows.length
  }
  return 'small'
}

/** Resolves to `false` if there is no such record, or if another caller was faster. */
async function begin(db: Writer, { id, appId, kind, startedAt }: DeletionRecord): Promise<boolean> {
  const values = sql.join([
    typed(id, 'text'),
    typed(appId, 'text'),
    typed(kind, 'text'),
    typed(startedAt, 'bigint'),
  ])
  const { rows } = await sql`
    insert into heartwood_deletion (id, app_id, kind, started_at)
    select ${values} where exists (select 1 from ${sql.table(tables[kind])} where id = ${id})
    on conflict do nothing returning id`.execute(db)
  if (rows.length === 0) return false
  await lockRow(db, tables[kind], id)
  await release[kind](db, id)
  return true
}

/** The records of an app that are few, and that nobody may read any more. */
const contents = [
  'heartwood_signing_key',
  'heartwood_key_statement',
  'heartwood_webhook',
  'heartwood_api_key',
] as const

/** Frees the unique values of a record. They are taken by its id, which nobody else has. */
const release: Readonly<Record<Kind, (db: Writer, id: string) => Promise<void>>> = {
  app: async (db, id) => {
    await db
      .updateTable('heartwood_app')
      // Servers of 0.1.0 list the apps of a mode.
      .set({ slug: id, mode: 'deleted' as never, token_secret: '', webhook_url: null })
      .where('id', '=', id)
      .execute()
    for (const table of contents) await db.deleteFrom(table).where('app_id', '=', id).execute()
  },
  tier: async (db, id) => {
    await db.updateTable('heartwood_tier').set({ slug: id }).where('id', '=', id).execute()
  },
  customer: async (db, id) => {
    const freed = { folded_email: id, external_id: null }
    await db.updateTable('heartwood_customer').set(freed).where('id', '=', id).execute()
  },
}

async function continueDeletion(
  db: Writer,
  id: string,
  page: DeletionPage,
  part: Part,
): Promise<DeletedPage | null> {
  const deletion = await claim(db, id)
  if (deletion === null) return null
  const { kind } = deletion
  // Otherwise a license that is being written for the record would be missed.
  await lockRow(db, tables[kind], id)
  const { next, ...removed } = await removePage(db, deletion, page, part)
  // A page from the start shows that nobody has added a license behind the pages.
  const isLast = next === null && (page.after === undefined || kind === 'app')
  if (!isLast) return { ...removed, next, isDone: false }
  await db.deleteFrom('heartwood_deletion').where('id', '=', id).execute()
  await deleteById(db, tables[kind], id)
  return { ...removed, next: null, isDone: true }
}

/** Holds the row of the deletion until the transaction is over. */
async function claim(db: Writer, id: string): Promise<DeletionRecord | null> {
  const free = db.selectFrom('heartwood_deletion').select('id').where('id', '=', id).modifyEnd(skipLocked(db))
  const row = await db
    .with(
      (name) => name('free').materialized(),
      () => free,
    )
    .updateTable('heartwood_deletion')
    .set(({ ref }) => ({ started_at: ref('started_at') }))
    .where('id', 'in', ({ selectFrom }) => selectFrom('free').select('free.id'))
    .returningAll()
    .executeTakeFirst()
  return deletionRows.toRecordOrNull(row)
}

type Removed = Omit<DeletedPage, 'isDone'>

interface PartRequest {
  readonly limit: number
  readonly start: string
  /** Reading a million records would take a third of the time. */
  readonly returned: 'records' | 'ids'
}

/** Removes parts until the page is full, has taken its time, or has reached the end. */
async function removePage(
  db: Writer,
  deletion: DeletionRecord,
  { limit, after, wantsRecords = true }: DeletionPage,
  { rows, milliseconds, mostDeleted }: Part,
): Promise<Removed> {
  const returned = wantsRecords && deletion.kind === 'customer' ? 'records' : 'ids'
  const end = performance.now() + milliseconds
  const licenses: LicenseRecord[] = []
  const licenseKeys: LicenseKeyRecord[] = []
  let [next, left] = [after ?? '0:', deletion.kind === 'tier' ? limit : Math.min(limit, mostDeleted)]
  for (;;) {
    const size = Math.min(left, rows)
    const part = await removePart(db, deletion, { limit: size, start: next, returned })
    licenses.push(...part.licenses)
    licenseKeys.push(...part.licenseKeys)
    left -= part.count
    // An empty part is no reason to stop, because a page that finds nothing at all is the last one.
    const isOver = left === 0 || (part.count > 0 && performance.now() > end)
    if (part.next === null || isOver) return { licenses, licenseKeys, next: part.next }
    next = part.next
  }
}

/** The outcome of one part, with the number of its rows. */
interface RemovedPart extends Removed {
  readonly count: number
}

/** A part removes dependents of one table. Its end says where the next part begins: `0:lic_…` is in the first table. */
async function removePart(
  db: Writer,
  deletion: DeletionRecord,
  { limit, start, returned }: PartRequest,
): Promise<RemovedPart> {
  const place = Number(start.slice(0, start.indexOf(':')))
  const sources = dependents[deletion.kind]
  const source = sources[place]!
  const after = start.slice(start.indexOf(':') + 1)
  const rows = await removeRows(db, source, deletion, { limit, after, returned })
  const last = rows.reduce((greatest, row) => (row.id > greatest ? row.id : greatest), '')
  const hasMore = place + 1 < sources.length
  const next = rows.length === limit ? `${place}:${last}` : hasMore ? `${place + 1}:` : null
  return { ...lastStates(source, returned === 'records' ? rows : []), next, count: rows.length }
}

/** The removed rows of a table, each as it was, with the `version` of its deletion. */
function lastStates(
  { table }: Dependents,
  rows: readonly { readonly id: string }[],
): Pick<DeletedPage, 'licenses' | 'licenseKeys'> {
  return {
    licenses:
      table === 'heartwood_license' ? licenseRows.toRecords(rows as Row<LicenseRecord>[]).map(raised) : [],
    licenseKeys:
      table === 'heartwood_license_key'
        ? licenseKeyRows.toRecords(rows as Row<LicenseKeyRecord>[]).map(raised)
        : [],
  }
}

function raised<Entry extends { readonly version: number }>(record: Entry): Entry {
  return { ...record, version: record.version + 1 }
}

async function removeRows(
  db: Writer,
  { table, owner }: Dependents,
  { id, appId }: DeletionRecord,
  { limit, after, returned }: Omit<PartRequest, 'start'> & { readonly after: string },
): Promise<readonly { readonly id: string }[]> {
  // The rows are gone, so the next part begins at the start again.
  if (table === 'heartwood_tally')
    return (await deleteTallies(db, sql`app_id = ${id}`, limit)).map(() => ({ id: '' }))
  const name = sql.table(table)
  const change =
    owner === 'tier_id'
      ? sql`update ${name} set tier_id = null, version = version + 1`
      : sql`delete from ${name}`
  const { rows } = await sql<{ readonly id: string }>`
    with page as materialized (
      select id from ${name} where ${sql.ref(owner)} = ${id} and app_id = ${appId} and id > ${after}
      order by id limit ${limit} ${rowLock(db)}
    )
    ${change} where id in (select page.id from page)
    returning ${returned === 'records' ? sql`*` : sql`id`}`.execute(db)
  return rows.toSorted((a, b) => (a.id < b.id ? -1 : 1))
}
