import type { Benchmark } from '../benchmark.ts'
import { flush } from '../databases.ts'
import { openDirectConnection } from '../direct-connection.ts'
import { addLicenses, openFixture } from '../fixtures.ts'
import { formatMedian, formatNumber } from '../result.ts'
import { idleTurn, turnRow, type Turns, watchTurns } from '../turns.ts'

const day = 86_400

/** Gives three of four licenses a last sign of life, under one of two keys. The last digit of the installation decides. */
const seen = `
  update heartwood_license set
    seen_at = case when digit in ('4', '5', '6', '7') then cast(? as bigint)
      when digit in ('8', '9', 'a', 'b') then cast(? as bigint) else cast(? as bigint) end,
    seen_kid = case when digit in ('4', '6', '8', 'a', 'c', 'e') then 'one' else 'two' end
  from (select id as own, substr(installation_id, 36, 1) as digit from heartwood_license) as numbered
  where own = id and digit > '3'`

/** Measures a dry run of a rotation: it counts when the licenses were last seen, and under which key. */
export const rotationImpact: Benchmark = async ({ rounds, licenses }, databases) => {
  const fixture = await openFixture(await databases.create('licenses'), 'bench')
  await addLicenses(fixture, licenses)
  const now = Math.floor(Date.now() / 1000)
  const connection = await openDirectConnection(fixture.location)
  await connection.run(seen, [now - 3 * day, now - 20 * day, now - 200 * day])
  await connection.vacuum()
  await connection.close()
  if (databases.database === 'SQLite') flush(fixture.location)
  const [idle, turns]: [number[], Turns[]] = [[], []]
  for (let round = 0; round <= rounds; round++) {
    idle.push(await idleTurn())
    turns.push(await watchTurns(() => fixture.licensing.rotateKeys('bench', { dryRun: true })))
  }
  await fixture.close()
  // The first round warms up.
  const [, ...measured] = turns
  const row = turnRow(
    `a dry run of a rotation, of ${formatNumber(licenses)} licenses`,
    measured,
    idle.slice(1),
  )
  const took = `${formatMedian(measured.map(({ duration }) => duration))} ms in all`
  return [{ ...row, database: databases.database, detail: `${took}; ${row.detail}` }]
}
