import type { SearchHit, SearchKind, SearchRequest, SearchStorage } from '../../core/storage/index.ts'
import { foldName } from '../../core/storage/search.ts'
import { appPasses } from './apps.ts'
import type { Runner } from './runner.ts'
import type { LookUps } from './tables.ts'

export function searchStorage({ read }: Runner): SearchStorage {
  return { search: (request) => read((tables) => [...hits(tables, request)].slice(0, request.limit)) }
}

/** The fields of a record that the search reads, if its kind has them. */
interface Searched {
  readonly id: string
  readonly appId: string
  readonly slug?: string
  readonly externalId?: string | null
  readonly installationId?: string
  readonly foldedEmail?: string
  readonly foldedName?: string
  readonly names: readonly (string | null)[]
}

type Table = readonly [kind: SearchKind, records: (appId: string) => Iterable<Searched>]

function* mapped<From, To>(records: Iterable<From>, map: (record: From) => To): Generator<To> {
  for (const record of records) yield map(record)
}

function searchedTables(tables: LookUps): readonly Table[] {
  return [
    ['tier', (appId) => mapped(tables.tiers.ascending(appId), (tier) => ({ ...tier, names: [tier.name] }))],
    [
      'feature',
      (appId) =>
        mapped(tables.features.ascending(appId), (feature) => ({ ...feature, names: [feature.name] })),
    ],
    [
      'customer',
      (appId) =>
        mapped(tables.customers.ascending(appId), ({ name, ...customer }) => ({
          ...customer,
          ...(name !== null && { foldedName: foldName(name) }),
          names: [customer.email, name],
        })),
    ],
    [
      'license',
      (appId) =>
        mapped(tables.licenses.ascending(appId), (license) => ({
          ...license,
          names: [license.tier, license.name, license.installationId],
        })),
    ],
    [
      'license_key',
      (appId) =>
        mapped(tables.licenseKeys.ascending(appId), (key) => ({
          ...key,
          names: [key.tier, key.name, key.externalId],
        })),
    ],
  ]
}

function isExact(record: Searched, { text, licenseId, installationId }: SearchRequest): boolean {
  const isLicense = record.installationId !== undefined
  return (
    record.id === text ||
    record.slug === text ||
    record.externalId === text ||
    (isLicense && (record.id === licenseId || record.installationId === installationId))
  )
}

function beginsSo(
  { foldedEmail, foldedName }: Searched,
  { emailPrefix, namePrefix }: SearchRequest,
): boolean {
  const begins = (text: string | undefined, prefix: string): boolean =>
    text !== undefined && prefix !== '' && text.startsWith(prefix)
  return begins(foldedEmail, emailPrefix) || begins(foldedName, namePrefix)
}

/** Exact matches come before the customers whose e-mail or name begins with a prefix. */
function* hits(tables: LookUps, request: SearchRequest): Generator<SearchHit> {
  const { apps, kinds, text } = request
  const visible = [...tables.apps.ascending()].filter(appPasses(apps))
  for (const { id, slug, name } of visible)
    if (kinds.includes('app') && (id === text || slug === text))
      yield { kind: 'app', id, appId: id, app: slug, names: [name] }
  for (const passes of [isExact, beginsSo])
    for (const { id: appId, slug: app } of visible)
      for (const [kind, records] of searchedTables(tables))
        if (kinds.includes(kind))
          yield* passing(kind, app, records(appId), (record) => passes(record, request))
}

function* passing(
  kind: SearchKind,
  app: string,
  records: Iterable<Searched>,
  passes: (record: Searched) => boolean,
): Generator<SearchHit> {
  for (const record of records)
    if (passes(record)) {
      const { id, appId, names } = record
      yield { kind, id, appId, app, names: names.filter((name) => name !== null) }
    }
}
