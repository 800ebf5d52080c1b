import type { Benchmark, Effort, Runtime } from '../benchmark.ts'
import { startChild, thisRuntime, type Child } from '../child-process.ts'
import { addLicenses, installationOf, openFixture, type Fixture } from '../fixtures.ts'
import { sendLoad, type RequestTemplate } from '../http-load.ts'
import { measureInTurn, ratios, spreadOf } from '../measure.ts'
import { formatMedian, type Result } from '../result.ts'
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

/** A runtime compiles the code of a server again and again in the first ten thousands of requests. */
const warmUp = 4

async function measureBoth(
  { location }: Fixture,
  effort: Effort,
  licenses: number,
): Promise<Readonly<Record<'ours' | 'baseline', readonly number[]>>> {
  const ours = await startChild(thisRuntime, 'server.ts', ['heartwood', location, slug])
  const baseline = await startChild(thisRuntime, 'server.ts', ['baseline', location, slug])
  const long = { ...effort, milliseconds: warmUp * effort.milliseconds }
  for (const child of [ours, baseline]) await cpuOf(child, long, licenses)()
  const figures = await measureInTurn(effort.rounds, {
    ours: cpuOf(ours, effort, licenses),
    baseline: cpuOf(baseline, effort, licenses),
  })
  await Promise.all([ours.stop(), baseline.stop()])
  return figures
}

const few = 5_000

/** On SQLite, Bun and Node verify without a promise. */
const directly: Partial<Record<Runtime, number>> = { Bun: 1.5, Node: 1.25 }

/** Compares verification over HTTP with a bare route that sends the same response. */
export const verify: Benchmark = async (effort, databases) => {
  const isSqlite = databases.database === 'SQLite'
  const most = Math.min(effort.licenses, 100_000)
  const rows: Result[] = []
  for (const licenses of isSqlite ? [few, most] : [most]) {
    const fixture = await openFixture(await databases.create(`licenses${licenses}`), slug)
    await addLicenses(fixture, licenses)
    await fixture.close()
    const figures = await measureBoth(fixture, effort, licenses)
    rows.push({
      what: `Verify ${licenses === few ? 'one of 5,000 licenses' : 'a license'} over HTTP with rate limits: CPU time a request`,
      against: 'a bare Elysia route with one prepared query and the same response',
      runtime: thisRuntime,
      database: databases.database,
      figure: spreadOf(ratios(figures.ours, figures.baseline)),
      goal: { atMost: (isSqlite ? directly[thisRuntime] : undefined) ?? 1 / 0.6 },
      detail: `${formatMedian(figures.ours)} µs, ${formatMedian(figures.baseline)} µs`,
    })
  }
  return rows
}
