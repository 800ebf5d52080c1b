import { sql, type RawBuilder, type SqlBool } from 'kysely'
import type {
  AppFilter,
  SearchHit,
  SearchKind,
  SearchRequest,
  SearchStorage,
} from '../../core/storage/index.ts'
import { KyselyAuditEntries } from './audit-entries.ts'
import { isPostgres } from './dialect.ts'
import type { Reader } from './executor.ts'
import { isPresent } from './presence.ts'

export abstract class KyselySearch extends KyselyAuditEntries implements SearchStorage {
  async search(request: SearchRequest): Promise<readonly SearchHit[]> {
    const found: SearchHit[] = []
    for (const probe of probesOf(request)) {
      const limit = request.limit - found.length
      if (limit === 0) break
      found.push(...(await this.executor.read((db) => hitsOf(db, request.apps, probe, limit))))
    }
    return found
  }
}

/** One kind of record as the search reads it: its table, and the columns of its names. */
interface Source {
  readonly table: string
  /** The beginning of its ids. */
  readonly prefix: string
  readonly names: readonly [string, string?, string?]
  /** The columns that name a record which may be in deletion. */
  readonly leaving: readonly string[]
}

const sources: Readonly<Record<SearchKind, Source>> = {
  app: { table: 'heartwood_app', prefix: 'app_', names: ['name'], leaving: [] },
  tier: { table: 'heartwood_tier', prefix: 'tier_', names: ['name'], leaving: ['id'] },
  feature: { table: 'heartwood_feature', prefix: 'feat_', names: ['name'], leaving: [] },
  customer: { table: 'heartwood_customer', prefix: 'cus_', names: ['email', 'name'], leaving: ['id'] },
  license: {
    table: 'heartwood_license',
    prefix: 'lic_',
    names: ['tier', 'name', 'installation_id'],
    leaving: ['customer_id'],
  },
  license_key: {
    table: 'heartwood_license_key',
    prefix: 'lkey_',
    names: ['tier', 'name', 'external_id'],
    leaving: ['customer_id'],
  },
}

/** A look at one index of one kind of record. */
interface Probe {
  readonly kind: SearchKind
  readonly column: string
  /** Exactly this value, or values that begin with it. */
  readonly value: string
  readonly isPrefix: boolean
}

const externalIds: readonly SearchKind[] = ['customer', 'license_key']
/** The form of the slugs of apps, tiers and features. */
const slugForm = /^[a-z0-9_-]{1,63}$/
const slugs: readonly SearchKind[] = ['app', 'tier', 'feature']

function probesOf({ kinds, ...request }: SearchRequest): readonly Probe[] {
  const { text, licenseId, installationId, emailPrefix, namePrefix } = request
  const probe = (kind: SearchKind, column: string, value: string | null, isPrefix = false): Probe[] =>
    value === null || value === '' || !kinds.includes(kind) ? [] : [{ kind, column, value, isPrefix }]
  return [
    ...kinds
      .filter((kind) => text.startsWith(sources[kind].prefix))
      .flatMap((kind) => probe(kind, 'id', text)),
    ...probe('license', 'id', licenseId),
    ...(slugForm.test(text) ? slugs.flatMap((kind) => probe(kind, 'slug', text)) : []),
    ...externalIds.flatMap((kind) => probe(kind, 'external_id', text)),
    ...probe('license', 'installation_id', installationId),
    ...probe('customer', 'folded_email', emailPrefix, true),
    ...probe('customer', 'folded_name', namePrefix, true),
  ]
}

/** The first text behind all that begin with `prefix`, by code points; `null` if there is none. */
function behind(prefix: string): string | null {
  const points = [...prefix]
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const point = last.codePointAt(0)!
    // No text has one of the surrogates, which follow U+D7FF.
    if (point < 0x10ffff) return points.join('') + String.fromCodePoint(point === 0xd7ff ? 0xe000 : point + 1)
  }
  return null
}

function matches({ column, value, isPrefix }: Probe): RawBuilder<SqlBool> {
  const name = sql.ref(`found.${column}`)
  if (!isPrefix) return sql<SqlBool>`${name} = ${value}`
  const end = behind(value)
  const isAbove = sql<SqlBool>`${name} >= ${value}`
  return end === null ? isAbove : sql<SqlBool>`${isAbove} and ${name} < ${end}`
}

function allOf(conditions: readonly RawBuilder<SqlBool>[]): RawBuilder<SqlBool> {
  return sql.join([...conditions], sql` and `) as RawBuilder<SqlBool>
}

function appPasses({ mode, id, slugs }: AppFilter): RawBuilder<SqlBool> {
  return allOf([
    isPresent('app.id'),
    ...(mode === undefined ? [] : [sql<SqlBool>`app.mode = ${mode}`]),
    ...(id === undefined ? [] : [sql<SqlBool>`app.id = ${id}`]),
    // PostgreSQL takes no empty list, and no slug is empty.
    ...(slugs === undefined ? [] : [sql<SqlBool>`app.slug in (${sql.join(['', ...slugs])})`]),
  ])
}

interface HitRow {
  readonly id: string
  readonly app_id: string
  readonly app: string
  readonly first: string | null
  readonly second: string | null
  readonly third: string | null
}

/**
 * The records that a probe finds, app after app, because each index begins with the app. The limit ends the walk, and no sort
 * may come before it: a million customers may match.
 */
function recordsOf(db: Reader, probe: Probe, apps: AppFilter, limit: number): RawBuilder<HitRow> {
  const { table, names, leaving } = sources[probe.kind]
  const [first, second = null, third = null] = names.map((name) => sql.ref(`found.${name}`))
  const columns = sql`found.id, app.id as app_id, app.slug as app, ${first} as first, ${second} as second, ${third} as third`
  const passes = allOf([matches(probe), ...leaving.map((column) => isPresent(`found.${column}`))])
  const owner = sql.ref(probe.kind === 'app' ? 'found.id' : 'found.app_id')
  const order = sql.ref(`found.${probe.column}`)
  if (!isPostgres(db))
    return sql<HitRow>`select ${columns} from heartwood_app as app cross join ${sql.table(table)} as found
      where ${appPasses(apps)} and ${owner} = app.id and ${passes} limit ${limit}`
  return sql<HitRow>`select ${columns} from heartwood_app as app cross join lateral (
      select * from ${sql.table(table)} as found where ${owner} = app.id and ${passes}
      order by ${order} limit ${limit}
    ) as found where ${appPasses(apps)} limit ${limit}`
}

async function hitsOf(
  db: Reader,
  apps: AppFilter,
  probe: Probe,
  limit: number,
): Promise<readonly SearchHit[]> {
  const { rows } = await recordsOf(db, probe, apps, limit).execute(db)
  return rows.map(({ id, app_id: appId, app, first, second, third }) => {
    const names = [first, second, third].filter((name) => name !== null)
    return { kind: probe.kind, id, appId, app, names }
  })
}
