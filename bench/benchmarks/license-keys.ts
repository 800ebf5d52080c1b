import type { Benchmark, Effort } from '../benchmark.ts'
import { startChild, thisRuntime } from '../child-process.ts'
import type { Databases } from '../databases.ts'
import { openDirectConnection } from '../direct-connection.ts'
import { addCopies, installationOf, openFixture, sellLicenseKeys, type Fixture } from '../fixtures.ts'
import { sendAtOnce } from '../http-load.ts'
import { durationOf, spreadOf } from '../measure.ts'
import { formatMedian, formatNumber, type Result } from '../result.ts'
import { idleTurn, turnRow, watchTurns, type Turns } from '../turns.ts'

const machines = 500
const soldSeats = 100

/**
 * Lets many machines activate one license key at once. Resolves to the milliseconds until the last one has its response.
 *
 * @throws {Error} if another number of them got a seat than were sold.
 */
async function rush(fixture: Fixture, port: number, round: number): Promise<number> {
  const { storage, app } = fixture
  const [{ id, key } = { id: '', key: '' }] = await sellLicenseKeys(fixture, 1, soldSeats)
  const bodyOf = (number: number): string =>
    JSON.stringify({ license_key: key, installation_id: installationOf(machines * round + number) })
  let statuses: readonly number[] = []
  const duration = await durationOf(async () => {
    statuses = await sendAtOnce(
      {
        port,
        method: 'POST',
        path: () => `/api/v1/apps/${app.slug}/license-keys/activate`,
        headers: { 'content-type': 'application/json' },
        body: bodyOf,
      },
      machines,
    )
  })
  const taken = statuses.filter((status) => status === 201).length
  const refused = statuses.filter((status) => status === 409).length
  const used = await storage.countSeats(id)
  if (taken !== soldSeats || refused !== machines - soldSeats || used !== soldSeats)
    throw new Error(`${taken} got a seat, ${refused} got none, and ${used} seats are taken`)
  return duration
}

async function measureRush({ rounds }: Effort, databases: Databases): Promise<Result> {
  const fixture = await openFixture(await databases.create('rush'), 'bench')
  const child = await startChild(thisRuntime, 'server.ts', ['heartwood', fixture.location, 'bench'])
  const { port } = child.ready as { readonly port: number }
  const durations: number[] = []
  // The first round warms up and does not count.
  for (let round = 0; round <= Math.min(rounds, 5); round++) durations.push(await rush(fixture, port, round))
  const signing = (await child.send('sign 1000')) as number
  await child.stop()
  await fixture.close()
  return {
    what: `${machines} machines activate a license key of ${soldSeats} seats at once: all have a response, ${soldSeats} a seat`,
    against: '',
    runtime: thisRuntime,
    database: databases.database,
    figure: spreadOf(durations.slice(1)),
    unit: 'ms',
    goal: { atMost: 5_000 },
    detail: `jose alone signs ${soldSeats} tokens on all cores in ${formatNumber((soldSeats * 1000) / signing)} ms`,
  }
}

/** The most seats that a license key may have. */
const mostSeats = 10_000

/** Updates the same columns that a change of the features updates. */
const updateStatement = `update heartwood_license set custom_features = ?, issued_at = ?, updated_at = ?,
  revision = revision + 1, version = version + 1 where license_key_id = ? and revoked_at is null`

async function fillSeats(fixture: Fixture): Promise<string> {
  const { licensing, storage, app } = fixture
  const [{ id, key } = { id: '', key: '' }] = await sellLicenseKeys(fixture, 1, mostSeats)
  const { license } = await licensing.licenseKeys.activate(app.slug, key, {
    installationId: installationOf(0),
  })
  await addCopies(fixture, (await storage.findLicense(app.id, license.id))!, mostSeats)
  return id
}

async function measureChange({ rounds }: Effort, databases: Databases): Promise<readonly Result[]> {
  const fixture = await openFixture(await databases.create('change'), 'bench')
  const id = await fillSeats(fixture)
  const connection = await openDirectConnection(fixture.location)
  const [idle, turns, bare]: [number[], Turns[], number[]] = [[], [], []]
  for (let round = 0; round <= rounds; round++) {
    idle.push(await idleTurn())
    const change = { customFeatures: [`round_${round}`] }
    turns.push(await watchTurns(() => fixture.licensing.licenseKeys.update('bench', id, change)))
    const now = Math.floor(Date.now() / 1000)
    bare.push(await durationOf(() => connection.run(updateStatement, ['[]', now, now, id])))
    await connection.vacuum()
  }
  await connection.close()
  await fixture.close()
  // The first round warms up and does not count.
  const counted = turns.slice(1)
  const what = `change a license key with ${formatNumber(mostSeats)} seats`
  return [
    {
      what: `C${what.slice(1)}`,
      against: '',
      runtime: thisRuntime,
      database: databases.database,
      figure: spreadOf(counted.map(({ duration }) => duration)),
      unit: 'ms',
      goal: { atMost: 100 },
      detail: `a bare SQL update of the same rows ${formatMedian(bare.slice(1))} ms`,
    },
    ...(databases.database === 'SQLite' ? [turnRow(what, counted, idle)] : []),
  ]
}

/** Measures many machines that want the seats of one license key, and a change to one with as many seats as there may be. */
export const licenseKeys: Benchmark = async (effort, databases) => [
  await measureRush(effort, databases),
  ...(await measureChange(effort, databases)),
]
