import { inTurn, spreadOf } from '../measure.ts'
import { load, type Target } from '../http-load.ts'
import { shown, type Row } from '../result.ts'
import { here, startChild } from '../child-process.ts'
import { fill, openShop } from '../fixtures.ts'
import { regenerationTarget } from './regeneration.ts'
import { verifyPath } from './verify.ts'

const licenses = 1_000
const asking = { connections: 4, pause: 2 }
const signing = { connections: 8 }

/** How long a verification waits while tokens are signed at full rate, by default on all cores but one. */
export const waiting: Row = async ({ rounds, milliseconds }, ground) => {
  const shop = await openShop(await ground.place('licenses'), 'bench')
  await fill(shop, licenses)
  const child = await startChild(here, 'server.ts', ['heartwood', shop.location, 'bench'])
  const busy = await regenerationTarget(shop, child)
  const verify: Target = { port: busy.port, method: 'GET', path: verifyPath(licenses) }
  const p99 = async (): Promise<number> => (await load(verify, { ...asking, milliseconds })).p99
  const figures = await inTurn(rounds, {
    idle: p99,
    busy: async () => (await Promise.all([p99(), load(busy, { ...signing, milliseconds })]))[0],
  })
  await child.stop()
  await shop.close()
  // Three times as long, or two signatures longer, whichever is more.
  const allowed = figures.idle.map((idle) => Math.max(3 * idle, idle + 8))
  return [
    {
      what: 'Verify while tokens are signed at full rate: p99',
      against: 'three times the same when idle, or two signatures (8 ms) more',
      runtime: here,
      database: 'SQLite',
      figure: spreadOf(figures.busy.map((figure, round) => figure / allowed[round]!)),
      goal: { atMost: 1 },
      detail: `${shown(spreadOf(figures.busy).median)} ms, idle ${shown(spreadOf(figures.idle).median)} ms`,
    },
  ]
}
