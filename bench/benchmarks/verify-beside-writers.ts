import type { Benchmark, Effort } from '../benchmark.ts'
import { startChild, thisRuntime } from '../child-process.ts'
import type { Databases } from '../databases.ts'
import { addLicenses, openFixture } from '../fixtures.ts'
import { sendLoad, type RequestTemplate } from '../http-load.ts'
import { measureInTurn, ratios, spreadOf } from '../measure.ts'
import { formatMedian, type Result } from '../result.ts'
import { disks, type Disk } from '../slow-disk.ts'
import { verifyPath } from './verify.ts'

const licenses = 1_000
const readers = 4
const writers = 32

interface Ready {
  readonly port: number
  readonly secret: string
}

/** Requests that create customers, each with an e-mail address of its own. */
export function newCustomers({ port, secret }: Ready): RequestTemplate {
  let count = 0
  return {
    port,
    method: 'POST',
    path: () => '/api/v1/apps/bench/customers',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: () => JSON.stringify({ email: `customer-${++count}@example.com` }),
    status: 201,
  }
}

async function measureOn(
  disk: Disk,
  { rounds, milliseconds }: Effort,
  databases: Databases,
  place: string,
): Promise<Result> {
  const fixture = await openFixture(await databases.create(place), 'bench')
  await addLicenses(fixture, licenses)
  await fixture.close()
  const child = await startChild(thisRuntime, 'server.ts', ['heartwood', fixture.location, 'bench'], disk.env)
  const ready = child.ready as Ready
  const verify: RequestTemplate = { port: ready.port, method: 'GET', path: verifyPath(licenses) }
  const customers = newCustomers(ready)
  const p50 = async (): Promise<number> =>
    (await sendLoad(verify, { connections: readers, milliseconds })).p50
  const written: number[] = []
  const figures = await measureInTurn(rounds, {
    idle: p50,
    busy: async () => {
      const [busy, writes] = await Promise.all([
        p50(),
        sendLoad(customers, { connections: writers, milliseconds }),
      ])
      written.push(writes.perSecond)
      return busy
    },
  })
  await child.stop()
  return {
    what: `Verify beside ${writers} connections that create customers, on ${disk.name}: p50`,
    against: 'the same without writers',
    runtime: thisRuntime,
    database: 'SQLite',
    figure: spreadOf(ratios(figures.busy, figures.idle)),
    goal: { atMost: 3 },
    detail: `${formatMedian(figures.busy)} ms, ${formatMedian(figures.idle)} ms; ${formatMedian(written)} writes a second`,
  }
}

/** Compares the response times of verification beside writers with those of an idle server. */
export const verifyBesideWriters: Benchmark = async (effort, databases) => {
  const results: Result[] = []
  for (const [number, disk] of disks().entries()) {
    results.push(await measureOn(disk, effort, databases, `writers_${number}`))
    disk.remove()
  }
  return results
}
