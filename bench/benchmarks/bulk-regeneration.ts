import type { Benchmark } from '../benchmark.ts'
import { thisRuntime } from '../child-process.ts'
import { openDirectConnection } from '../direct-connection.ts'
import { addLicenses, openFixture } from '../fixtures.ts'
import { durationOf, measureInTurn, ratios, spreadOf } from '../measure.ts'
import { formatMedian, formatNumber } from '../result.ts'

const updateStatement = 'update heartwood_license set revision = revision + 1, issued_at = ? where app_id = ?'

/** Compares a bulk regeneration with one SQL update of the same rows. */
export const bulkRegeneration: Benchmark = async ({ rounds, licenses }, databases) => {
  const fixture = await openFixture(await databases.create('licenses'), 'bench')
  await addLicenses(fixture, licenses)
  const connection = await openDirectConnection(fixture.location)
  // Otherwise each contender would pay for the dead rows of the other.
  const afterVacuum = (work: () => unknown) => async () => {
    await connection.vacuum()
    return durationOf(work)
  }
  const figures = await measureInTurn(Math.min(rounds, 3), {
    ours: afterVacuum(() => fixture.licensing.licenses.regenerateAll('bench')),
    update: afterVacuum(() =>
      connection.run(updateStatement, [Math.floor(Date.now() / 1000), fixture.app.id]),
    ),
  })
  await connection.close()
  await fixture.close()
  return [
    {
      what: `Regenerate ${formatNumber(licenses)} licenses in bulk`,
      against: 'a bare SQL update of the same rows',
      runtime: thisRuntime,
      database: databases.database,
      figure: spreadOf(ratios(figures.ours, figures.update)),
      goal: { atMost: 2 },
      detail: `${formatMedian(figures.ours)} ms, ${formatMedian(figures.update)} ms`,
    },
  ]
}
