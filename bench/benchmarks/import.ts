import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import type { Benchmark } from '../benchmark.ts'
import { start, thisRuntime } from '../child-process.ts'
import { addLicenses, masterKey, openFixture } from '../fixtures.ts'
import { durationOf, measureInTurn, ratios, spreadOf } from '../measure.ts'
import { formatMedian, formatNumber } from '../result.ts'

const most = 100_000
const parents = ['heartwood_app', 'heartwood_tier', 'heartwood_customer']

async function heartwood(args: readonly string[]): Promise<void> {
  const env = { HEARTWOOD_MASTER_KEY: masterKey }
  const program = start(thisRuntime, '../src/cli/main.ts', args, env)
  program.stdout!.resume()
  const [code] = await once(program, 'exit')
  if (code !== 0) throw new Error(`heartwood ${args[0]} failed`)
}

function removeDatabase(location: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(location + suffix, { force: true })
}

/** The reference: inserts the licenses of a database into another one, each by a prepared statement, in one transaction. */
async function insertBare(from: string, to: string): Promise<number> {
  const connection = await openConnection(to, { readonly: false })
  connection.exec(`pragma synchronous = full; pragma foreign_keys = on; attach '${from}' as source`)
  for (const table of parents) connection.exec(`insert into main.${table} select * from source.${table}`)
  const rows = connection.prepare('select * from source.heartwood_license').all([]) as Record<
    string,
    unknown
  >[]
  const names = Object.keys(rows[0] ?? {})
  const insert = connection.prepare(
    `insert into main.heartwood_license (${names.join()}) values (${names.map(() => '?').join()})`,
  )
  const milliseconds = await durationOf(() => {
    connection.exec('begin immediate')
    for (const row of rows) insert.run(Object.values(row))
    connection.exec('commit')
  })
  connection.close()
  return milliseconds
}

/** Compares an import, with all of its checks, with bare inserts of the same licenses. */
export const importLicenses: Benchmark = async ({ rounds, licenses }, databases) => {
  const count = Math.min(licenses, most)
  const fixture = await openFixture(await databases.create('from'), 'bench')
  await addLicenses(fixture, count)
  await fixture.close()
  const file = `${fixture.location}.ndjson`
  await heartwood(['export', file, '--database', fixture.location])
  const [ours, bare] = [await databases.create('ours'), await databases.create('bare')]
  const figures = await measureInTurn(Math.min(rounds, 3), {
    ours: async () => {
      removeDatabase(ours)
      return durationOf(() => heartwood(['import', file, '--database', ours]))
    },
    bare: async () => {
      removeDatabase(bare)
      await heartwood(['migrate', '--database', bare])
      return insertBare(fixture.location, bare)
    },
  })
  return [
    {
      what: `Import ${formatNumber(count)} licenses, with all checks`,
      against: 'bare inserts of the same licenses in one transaction',
      runtime: thisRuntime,
      database: 'SQLite',
      figure: spreadOf(ratios(figures.ours, figures.bare)),
      goal: { atMost: 4 },
      isTooSmall: count < most,
      detail: `${formatMedian(figures.ours)} ms, ${formatMedian(figures.bare)} ms`,
    },
  ]
}
