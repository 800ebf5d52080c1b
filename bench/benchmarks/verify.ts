import type { Benchmark, Effort } from '../benchmark.ts'
import { startChild, thisRuntime, type Child } from '../child-process.ts'
import { addLicenses, installationOf, openFixture } from '../fixtures.ts'
import { sendLoad, type RequestTemplate } from '../http-load.ts'
import { measureInTurn, ratios, spreadOf } from '../measure.ts'
import { formatMedian } from '../result.ts'
import type { Usage } from '../server.ts'

const slug = 'bench'
const connections = 16

async function usageOf(child: Child): Promise<Usage> {
  return (await child.send('usage')) as Usage
}

/** Paths that verify one license after another, in an order that jumps through the database. */
export function verifyPath(licenses: number): (number: number) => string {
  return (number) =>
    `/api/v1/apps/${slug}/licenses/verify?installation_id=${installationOf((number * 7919) % licenses)}`
}

/** Measures the CPU time that the server uses for a request, in microseconds. */
export function cpuOf(child: Child, { milliseconds }: Effort, licenses: number): () => Promise<number> {
  const { port } = child.ready as { readonly port: number }
  const template: RequestTemplate = { port, method: 'GET', path: verifyPath(licenses) }
  return async () => {
    const before = await usageOf(child)
    const { requests } = await sendLoad(template, { connections, milliseconds })
    return ((await usageOf(child)).cpu - before.cpu) / requests
  }
}

/** Compares verification over HTTP with a bare route that sends the same response. */
export const verify: Benchmark = async (effort, databases) => {
  const licenses = Math.min(effort.licenses, 100_000)
  const fixture = await openFixture(await databases.create('licenses'), slug)
  await addLicenses(fixture, licenses)
  await fixture.close()
  const ours = await startChild(thisRuntime, 'server.ts', ['heartwood', fixture.location, slug])
  const baseline = await startChild(thisRuntime, 'server.ts', ['baseline', fixture.location, slug])
  const figures = await measureInTurn(effort.rounds, {
    ours: cpuOf(ours, effort, licenses),
    baseline: cpuOf(baseline, effort, licenses),
  })
  await Promise.all([ours.stop(), baseline.stop()])
  return [
    {
      what: 'Verify a license over HTTP with rate limits: CPU time a request',
      against: 'a bare Elysia route with one prepared query and the same response',
      runtime: thisRuntime,
      database: databases.database,
      figure: spreadOf(ratios(figures.ours, figures.baseline)),
      goal: { atMost: 1 / 0.6 },
      detail: `${formatMedian(figures.ours)} µs, ${formatMedian(figures.baseline)} µs`,
    },
  ]
}
