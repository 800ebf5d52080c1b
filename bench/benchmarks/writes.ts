import type { Benchmark, Effort } from '../benchmark.ts'
import { startChild, thisRuntime } from '../child-process.ts'
import type { Databases } from '../databases.ts'
import { openFixture } from '../fixtures.ts'
import { sendLoad, type RequestTemplate } from '../http-load.ts'
import { measureInTurn, ratios, spreadOf } from '../measure.ts'
import { formatMedian, type Result } from '../result.ts'
import { disks, type Disk } from '../slow-disk.ts'

const connectionCounts = [1, 8, 32, 128]

/** On a slow disk, many writes share each sync. */
const goals: Readonly<Record<number, number>> = { 32: 8, 128: 8 }

interface Prepared {
  readonly location: string
  readonly customerId: string
}

async function prepare(databases: Databases, place: string): Promise<Prepared> {
  const { app, storage, location, close } = await openFixture(await databases.create(place), 'bench')
  const customer = await storage.findCustomerByExternalId(app.id, 'ada')
  await close()
  return { location, customerId: customer!.id }
}

async function measureOn(disk: Disk, effort: Effort, prepared: Prepared): Promise<readonly Result[]> {
  const { rounds, milliseconds } = effort
  const { location, customerId } = prepared
  const child = await startChild(thisRuntime, 'server.ts', ['heartwood', location, 'bench'], disk.env)
  const bare = await startChild(thisRuntime, 'bare-writes.ts', [location], disk.env)
  const { port, secret } = child.ready as { readonly port: number; readonly secret: string }
  const update: RequestTemplate = {
    port,
    method: 'PUT',
    path: () => `/api/v1/apps/bench/customers/${customerId}`,
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: (number) => JSON.stringify({ name: `Ada ${number}` }),
  }
  const results: Result[] = []
  for (const connections of connectionCounts) {
    const figures = await measureInTurn(Math.min(rounds, 5), {
      ours: async () => (await sendLoad(update, { connections, milliseconds })).perSecond,
      bare: async () => (await bare.send(`rate ${milliseconds}`)) as number,
    })
    const goal = disk.env['LD_PRELOAD'] === undefined ? undefined : goals[connections]
    results.push({
      what: `Update a customer over HTTP, ${connections} at once, on ${disk.name}: writes a second`,
      against: 'a bare prepared update with a commit each, one after another',
      runtime: thisRuntime,
      database: 'SQLite',
      figure: spreadOf(ratios(figures.ours, figures.bare)),
      ...(goal !== undefined && { goal: { atLeast: goal } }),
      detail: `${formatMedian(figures.ours)} a second, ${formatMedian(figures.bare)}`,
    })
  }
  await Promise.all([child.stop(), bare.stop()])
  return results
}

/** Compares small writes over several connections with as many commits as the disk takes one after another. */
export const writes: Benchmark = async (effort, databases) => {
  const results: Result[] = []
  for (const [number, disk] of disks().entries()) {
    results.push(...(await measureOn(disk, effort, await prepare(databases, `writes_${number}`))))
    disk.remove()
  }
  return results
}
