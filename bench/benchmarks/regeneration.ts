import { spawnSync } from 'node:child_process'
import type { Benchmark, Runtime } from '../benchmark.ts'
import { startChild, thisRuntime, type Child } from '../child-process.ts'
import { addLicenses, openFixture, type Fixture } from '../fixtures.ts'
import { sendLoad, type RequestTemplate } from '../http-load.ts'
import { measureInTurn, ratios, spreadOf } from '../measure.ts'
import { formatMedian, formatNumber } from '../result.ts'

const connections = 16
const licenses = 1_000

/** A signature on Node takes half as long, so everything else weighs twice as much. */
const goals: Readonly<Record<Runtime, number>> = { Bun: 0.8, Node: 0.48, Deno: 0.9 }

/** Measures signatures a second of openssl on every core. Returns `null` if openssl is not installed. */
export function opensslRate(): number | null {
  const args = ['speed', '-seconds', '1', '-multi', String(navigator.hardwareConcurrency), 'rsa4096']
  const { stdout } = spawnSync('openssl', args, { encoding: 'utf8' })
  const rate = /rsa 4096 bits\s+\S+\s+\S+\s+([\d.]+)/.exec(stdout ?? '')?.[1]
  return rate === undefined ? null : Number(rate)
}

/** Requests that regenerate one license after another. */
export async function regenerationRequests(
  { storage, app }: Fixture,
  child: Child,
): Promise<RequestTemplate> {
  const { port, secret } = child.ready as { readonly port: number; readonly secret: string }
  const now = Math.floor(Date.now() / 1000)
  const ids = (await storage.listLicenses({ appId: app.id, now }, { limit: 100 })).map(({ id }) => id)
  return {
    port,
    method: 'POST',
    path: (number) => `/api/v1/apps/${app.slug}/licenses/${ids[number % ids.length]}/regenerate`,
    headers: { authorization: `Bearer ${secret}` },
  }
}

/** Compares tokens a second over HTTP with signatures a second in the same process. */
export const regeneration: Benchmark = async ({ rounds, milliseconds }, databases) => {
  const fixture = await openFixture(await databases.create('licenses'), 'bench')
  await addLicenses(fixture, licenses)
  const child = await startChild(thisRuntime, 'server.ts', ['all-cores', fixture.location, 'bench'])
  const requests = await regenerationRequests(fixture, child)
  const figures = await measureInTurn(rounds, {
    http: async () => (await sendLoad(requests, { connections, milliseconds })).perSecond,
    signing: async () => (await child.send(`sign ${milliseconds}`)) as number,
  })
  await child.stop()
  await fixture.close()
  const openssl = opensslRate()
  const opensslDetail = openssl === null ? '' : `; openssl ${formatNumber(openssl)}`
  return [
    {
      what: 'Regenerate over HTTP, all cores: tokens a second',
      against: 'jose signing alone, 16 in flight, same process',
      runtime: thisRuntime,
      database: databases.database,
      figure: spreadOf(ratios(figures.http, figures.signing)),
      goal: { atLeast: goals[thisRuntime] },
      detail: `${formatMedian(figures.http)} a second, ${formatMedian(figures.signing)}${opensslDetail}`,
    },
  ]
}
