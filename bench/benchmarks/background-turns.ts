import type { Benchmark } from '../benchmark.ts'
import { flush } from '../databases.ts'
import { openDirectConnection } from '../direct-connection.ts'
import { addLicenses, openFixture, type Fixture } from '../fixtures.ts'
import { formatNumber } from '../result.ts'
import { idleTurn, turnRow, type Turns, watchTurns } from '../turns.ts'

const hour = 3_600

/** Each end has a commit of its own. */
const mostEnds = 100_000

/** Lets many licenses end soon. */
async function endSoon({ location }: Fixture): Promise<void> {
  const now = Math.floor(Date.now() / 1000)
  const connection = await openDirectConnection(location)
  const statements: readonly (readonly [sql: string, ...values: number[]])[] = [
    ['update heartwood_license set expires_at = ? where rowid <= ?', now + 24 * hour, mostEnds],
    ['delete from heartwood_clock'],
    ["insert into heartwood_clock (id, seen_at, steady_since) values ('clock', ?, ?)", now, now - 2 * hour],
    ["update heartwood_app set webhook_url = 'https://hooks.example.com/licenses'"],
  ]
  for (const [sql, ...values] of statements) await connection.run(sql, values)
  await connection.close()
  flush(location)
}

/** Measures how long a bulk regeneration, and announcing many ends, keep the event loop from others. */
export const backgroundTurns: Benchmark = async ({ rounds, licenses }, databases) => {
  const fixture = await openFixture(await databases.create('licenses'), 'bench')
  await addLicenses(fixture, licenses)
  flush(fixture.location)
  const [idle, bulk]: [number[], Turns[]] = [[], []]
  for (let round = 0; round < Math.min(rounds, 5); round++) {
    idle.push(await idleTurn())
    bulk.push(await watchTurns(() => fixture.licensing.licenses.regenerateAll('bench')))
  }
  await endSoon(fixture)
  const announced = await watchTurns(() => fixture.licensing.outbox.announceEnds())
  await fixture.close()
  return [
    turnRow(`regenerate ${formatNumber(licenses)} licenses in bulk`, bulk, idle),
    turnRow(
      `announce ${formatNumber(Math.min(licenses, mostEnds))} of ${formatNumber(licenses)} ends`,
      [announced],
      idle,
    ),
  ]
}
