import { inTurn, ratios, spreadOf } from '../measure.ts'
import { load, type Target } from '../http-load.ts'
import { shown, type Effort, type Row } from '../result.ts'
import { here, startChild, type Child } from '../child-process.ts'
import type { Usage } from '../server.ts'
import { fill, installationOf, openShop } from '../fixtures.ts'

const slug = 'bench'
const connections = 16

async function usageOf(child: Child): Promise<Usage> {
  return (await child.ask('usage')) as Usage
}

/** The path that verifies one license after another. */
export function verifyPath(licenses: number): (number: number) => string {
  return (number) =>
    `/api/v1/apps/${slug}/licenses/verify?installation_id=${installationOf((number * 7919) % licenses)}`
}

/** Microseconds of the server's processor time for a request. */
function cpuOf(child: Child, { milliseconds }: Effort, licenses: number): () => Promise<number> {
  const { port } = child.greeting as { readonly port: number }
  const target: Target = { port, method: 'GET', path: verifyPath(licenses) }
  return async () => {
    const before = await usageOf(child)
    const { requests } = await load(target, { connections, milliseconds })
    return ((await usageOf(child)).cpu - before.cpu) / requests
  }
}

/** What verifying a license costs beside a bare route that answers the same. */
export const verify: Row = async (effort, ground) => {
  const licenses = Math.min(effort.licenses, 100_000)
  const shop = await openShop(await ground.place('licenses'), slug)
  await fill(shop, licenses)
  await shop.close()
  const ours = await startChild(here, 'server.ts', ['heartwood', shop.location, slug])
  const bare = await startChild(here, 'server.ts', ['bare', shop.location, slug])
  const figures = await inTurn(effort.rounds, {
    ours: cpuOf(ours, effort, licenses),
    bare: cpuOf(bare, effort, licenses),
  })
  await Promise.all([ours.stop(), bare.stop()])
  return [
    {
      what: 'Verify a license over HTTP, limits on: CPU a request',
      against: 'a bare Elysia route with one prepared look-up, which answers the same',
      runtime: here,
      database: ground.database,
      figure: spreadOf(ratios(figures.ours, figures.bare)),
      goal: { atMost: 1 / 0.6 },
      detail: `${shown(spreadOf(figures.ours).median)} µs, ${shown(spreadOf(figures.bare).median)} µs`,
    },
  ]
}
