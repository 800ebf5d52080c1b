import type { Benchmark } from '../benchmark.ts'
import { startChild } from '../child-process.ts'
import { addLicenses, openFixture } from '../fixtures.ts'
import { sendLoad } from '../http-load.ts'
import { spreadOf } from '../measure.ts'
import { formatNumber } from '../result.ts'
import type { Usage } from '../server.ts'
import { regenerationRequests } from './regeneration.ts'
import { verifyPath } from './verify.ts'

/** Reports the peak memory of a server that verifies, signs and regenerates in bulk. */
export const memory: Benchmark = async ({ licenses, milliseconds }, databases) => {
  const fixture = await openFixture(await databases.create('licenses'), 'bench')
  await addLicenses(fixture, licenses)
  const child = await startChild('Bun', 'server.ts', ['heartwood', fixture.location, 'bench'])
  const regenerate = await regenerationRequests(fixture, child)
  const verify = { port: regenerate.port, method: 'GET', path: verifyPath(licenses) } as const
  const options = { connections: 16, milliseconds: 3 * milliseconds }
  await Promise.all([sendLoad(verify, options), sendLoad(regenerate, options)])
  await child.send('regenerateAll')
  await sendLoad(verify, options)
  const { peakMemory } = (await child.send('usage')) as Usage
  await child.stop()
  await fixture.close()
  return [
    {
      what: `Peak memory of a server with ${formatNumber(licenses)} licenses under load`,
      against: '',
      runtime: 'Bun',
      database: 'SQLite',
      figure: spreadOf([peakMemory / 1e6]),
      unit: 'MB',
      goal: { atMost: 200 },
      detail: 'verifying and regenerating over 32 connections, then a bulk regeneration',
    },
  ]
}
