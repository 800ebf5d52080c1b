import postgres from 'postgres'

type Row = Readonly<Record<string, unknown>>

/** The tables of a database beneath running servers, read by SQL of this test's own. */
export interface SeatLedger {
  rows<Shape extends Row>(query: string): Promise<readonly Shape[]>
  /** The violations of the invariants of seats, one sentence each. */
  faults(): Promise<readonly string[]>
  end(): Promise<void>
}

const taken = 'l.license_key_id is not null and l.revoked_at is null'
const never = 9_000_000_000_000

/** Each query finds the records that violate one invariant. Both databases read them alike. */
const violations: Readonly<Record<string, string>> = {
  'has more seats than were sold': `
    select k.id from heartwood_license_key k join heartwood_license l on l.license_key_id = k.id
    where ${taken} group by k.id, k.seats having count(*) > k.seats`,
  'is a taken seat without the place of its installation': `
    select l.id from heartwood_license l where ${taken} and l."current" <> 1`,
  'is an installation with two places': `
    select l.installation_id as id from heartwood_license l where l."current" = 1
    group by l.app_id, l.installation_id having count(*) > 1`,
  'is an installation with two seats of one license key': `
    select l.installation_id as id from heartwood_license l where l.license_key_id is not null
    group by l.license_key_id, l.installation_id having count(*) > 1`,
  'is a seat without a license key': `
    select l.id from heartwood_license l left join heartwood_license_key k on k.id = l.license_key_id
    where l.license_key_id is not null and k.id is null`,
  'is a taken seat with other terms than its license key': `
    select l.id from heartwood_license l join heartwood_license_key k on k.id = l.license_key_id
    where ${taken} and (k.revoked_at is not null or l.customer_id <> k.customer_id
      or l.tier_id is distinct from k.tier_id or l.custom_features <> k.custom_features
      or l.custom_limits <> k.custom_limits or l.updates_until is distinct from k.updates_until
      or coalesce(l.expires_at, ${never}) > coalesce(k.expires_at, ${never}))`,
}

async function faultsIn(rows: SeatLedger['rows']): Promise<readonly string[]> {
  const faults: string[] = []
  for (const [what, query] of Object.entries(violations))
    for (const { id } of await rows<{ id: string }>(query)) faults.push(`${id} ${what}`)
  return faults
}

/** Opens the file of a database, or the URL of one on PostgreSQL. The servers may go on writing. */
export async function openLedger(target: string): Promise<SeatLedger> {
  if (!target.startsWith('postgres:')) return openFile(target)
  const client = postgres(target, { max: 1, onnotice: () => {} })
  const rows: SeatLedger['rows'] = async (query) => [...(await client.unsafe(query))] as never
  return { rows, faults: () => faultsIn(rows), end: () => client.end() }
}

async function openFile(filename: string): Promise<SeatLedger> {
  const { Database } = await import('bun:sqlite')
  const file = new Database(filename)
  file.run('pragma busy_timeout = 10000')
  const rows: SeatLedger['rows'] = async (query) => file.query(query).all() as never
  return { rows, faults: () => faultsIn(rows), end: async () => file.close() }
}
