import type { Benchmark } from '../benchmark.ts'
import { startChild, thisRuntime } from '../child-process.ts'
import { addLicenses, openFixture } from '../fixtures.ts'
import { measureInTurn, ratios, spreadOf } from '../measure.ts'
import { formatMedian } from '../result.ts'
import { cpuOf } from './verify.ts'

const slug = 'bench'

/** Compares verification through the plain handler with verification through Elysia, on the same listener. */
export const verifyWithoutFramework: Benchmark = async (effort, databases) => {
  const licenses = Math.min(effort.licenses, 5_000)
  const fixture = await openFixture(await databases.create('licenses'), slug)
  await addLicenses(fixture, licenses)
  await fixture.close()
  const start = (kind: string) => startChild(thisRuntime, 'server.ts', [kind, fixture.location, slug])
  const [plain, elysia] = [await start('plain'), await start('heartwood')]
  const figures = await measureInTurn(effort.rounds, {
    plain: cpuOf(plain, effort, licenses),
    elysia: cpuOf(elysia, effort, licenses),
  })
  await Promise.all([plain.stop(), elysia.stop()])
  return [
    {
      what: 'The plain handler: CPU time a request to verify a license',
      against: 'the same through the plugin of Elysia, on the same listener',
      runtime: thisRuntime,
      database: databases.database,
      figure: spreadOf(ratios(figures.plain, figures.elysia)),
      detail: `${formatMedian(figures.plain)} µs, ${formatMedian(figures.elysia)} µs`,
    },
  ]
}
