import type { Benchmark } from '../benchmark.ts'
import { startChild, thisRuntime } from '../child-process.ts'
import { addLicenses, openFixture } from '../fixtures.ts'
import { sendLoad, type RequestTemplate } from '../http-load.ts'
import { measureInTurn, spreadOf } from '../measure.ts'
import { formatMedian } from '../result.ts'
import { regenerationRequests } from './regeneration.ts'
import { verifyPath } from './verify.ts'

const licenses = 1_000
const verifyOptions = { connections: 4, pause: 2 }
const regenerateOptions = { connections: 8 }

/**
 * Compares the response times of verification while the server signs at full rate and while it is idle. By default a
 * server signs on all cores but one.
 */
export const verifyUnderLoad: Benchmark = async ({ rounds, milliseconds }, databases) => {
  const fixture = await openFixture(await databases.create('licenses'), 'bench')
  await addLicenses(fixture, licenses)
  const child = await startChild(thisRuntime, 'server.ts', ['heartwood', fixture.location, 'bench'])
  const regenerate = await regenerationRequests(fixture, child)
  const verify: RequestTemplate = { port: regenerate.port, method: 'GET', path: verifyPath(licenses) }
  const p99 = async (): Promise<number> => (await sendLoad(verify, { ...verifyOptions, milliseconds })).p99
  const figures = await measureInTurn(rounds, {
    idle: p99,
    busy: async () =>
      (await Promise.all([p99(), sendLoad(regenerate, { ...regenerateOptions, milliseconds })]))[0],
  })
  await child.stop()
  await fixture.close()
  // The larger of the two limits in the label counts.
  const allowed = figures.idle.map((idle) => Math.max(3 * idle, idle + 8))
  return [
    {
      what: 'Verify while tokens are signed at full rate: p99',
      against: 'three times the idle p99, or 8 ms (two signatures) more',
      runtime: thisRuntime,
      database: 'SQLite',
      figure: spreadOf(figures.busy.map((figure, round) => figure / allowed[round]!)),
      goal: { atMost: 1 },
      detail: `${formatMedian(figures.busy)} ms, idle ${formatMedian(figures.idle)} ms`,
    },
  ]
}
