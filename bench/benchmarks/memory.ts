import { load } from '../http-load.ts'
import { spreadOf } from '../measure.ts'
import { shown, type Row } from '../result.ts'
import { startChild } from '../child-process.ts'
import type { Usage } from '../server.ts'
import { fill, openShop } from '../fixtures.ts'
import { regenerationTarget } from './regeneration.ts'
import { verifyPath } from './verify.ts'

/** The most memory that a server ever takes while it verifies, signs and regenerates in bulk. */
export const memory: Row = async ({ licenses, milliseconds }, ground) => {
  const shop = await openShop(await ground.place('licenses'), 'bench')
  await fill(shop, licenses)
  const child = await startChild('Bun', 'server.ts', ['heartwood', shop.location, 'bench'])
  const regenerate = await regenerationTarget(shop, child)
  const verify = { port: regenerate.port, method: 'GET', path: verifyPath(licenses) } as const
  const time = { connections: 16, milliseconds: 3 * milliseconds }
  await Promise.all([load(verify, time), load(regenerate, time)])
  await child.ask('regenerateAll')
  await load(verify, time)
  const { peakMemory } = (await child.ask('usage')) as Usage
  await child.stop()
  await shop.close()
  return [
    {
      what: `A server with ${shown(licenses)} licenses under load: memory at its peak`,
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
