import { copyFileSync, rmSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import type { Benchmark } from '../benchmark.ts'
import { thisRuntime } from '../child-process.ts'
import { flush } from '../databases.ts'
import { openDirectConnection } from '../direct-connection.ts'
import { addLicenses, openFixture, type Fixture } from '../fixtures.ts'
import { durationOf, ratios, spreadOf } from '../measure.ts'
import { formatMedian, formatNumber, type Result } from '../result.ts'
import { idleTurn, turnRow, watchTurns, type Turns } from '../turns.ts'

/** The pages of a deletion go on after the call. */
async function untilOver({ storage }: Fixture): Promise<void> {
  while ((await storage.listDeletions()).length > 0) await setTimeout(5)
}

interface Deletion {
  /** Deletes through Heartwood. */
  ours(fixture: Fixture): Promise<void>
  /** Deletes in one transaction. */
  readonly statements: readonly string[]
}

const deletions: Readonly<Record<string, Deletion>> = {
  'a tier': {
    ours: ({ licensing }) => licensing.tiers.delete('bench', 'pro'),
    statements: [
      `update heartwood_license set tier_id = null, version = version + 1
       where tier_id = (select id from heartwood_tier)`,
      'delete from heartwood_tier',
    ],
  },
  'a customer': {
    ours: async ({ licensing }) => {
      const { id } = await licensing.customers.getByExternalId('bench', 'ada')
      await licensing.customers.delete('bench', id)
    },
    statements: ['delete from heartwood_customer'],
  },
  'an app': {
    ours: ({ licensing }) => licensing.apps.delete('bench'),
    statements: ['delete from heartwood_app'],
  },
}

/** Installations have random ids. Then a license has entries all over two indexes, as in real databases. */
const randomInstallations = `update heartwood_license set installation_id = lower(hex(randomblob(4)) || '-' ||
  hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2) || '-' ||
  hex(randomblob(6)))`

async function deleteOurs(file: string, { ours }: Deletion): Promise<Turns & { readonly idle: number }> {
  const fixture = await openFixture(file, 'bench')
  const idle = await idleTurn()
  const turns = await watchTurns(() => ours(fixture).then(() => untilOver(fixture)))
  await fixture.close()
  return { ...turns, idle }
}

async function deleteAtOnce(file: string, { statements }: Deletion): Promise<number> {
  const connection = await openDirectConnection(file)
  for (const pragma of ['foreign_keys = on', 'secure_delete = on', 'cache_size = -16000'])
    await connection.run(`pragma ${pragma}`, [])
  const duration = await durationOf(async () => {
    for (const statement of ['begin immediate', ...statements, 'commit']) await connection.run(statement, [])
  })
  await connection.close()
  return duration
}

/** Measures how long large deletions keep the event loop from others, and compares them with one transaction. */
export const largeDeletions: Benchmark = async ({ rounds, licenses }, databases) => {
  const fixture = await openFixture(await databases.create('licenses'), 'bench')
  await addLicenses(fixture, licenses)
  await fixture.close()
  const connection = await openDirectConnection(fixture.location)
  await connection.run(randomInstallations, [])
  await connection.close()
  const file = await databases.create('copy')
  const copied = async <T>(work: () => Promise<T>): Promise<T> => {
    copyFileSync(fixture.location, file)
    flush(file)
    return work().finally(() => {
      for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
    })
  }
  const results: Result[] = []
  for (const [name, deletion] of Object.entries(deletions)) {
    const ours: (Turns & { readonly idle: number })[] = []
    const atOnce: number[] = []
    for (let round = 0; round < Math.min(rounds, 5); round++) {
      ours.push(await copied(() => deleteOurs(file, deletion)))
      atOnce.push(await copied(() => deleteAtOnce(file, deletion)))
    }
    const what = `delete ${name} with ${formatNumber(licenses)} licenses`
    const durations = ours.map(({ duration }) => duration)
    results.push(
      turnRow(
        what,
        ours,
        ours.map(({ idle }) => idle),
      ),
      {
        what: `D${what.slice(1)}`,
        against: 'one transaction that keeps everybody waiting',
        runtime: thisRuntime,
        database: 'SQLite',
        figure: spreadOf(ratios(durations, atOnce)),
        goal: { atMost: 3 },
        detail: `${formatMedian(durations)} ms, ${formatMedian(atOnce)} ms`,
      },
    )
  }
  return results
}
