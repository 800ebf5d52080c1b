import { spawnSync } from 'node:child_process'
import { inTurn, ratios, spreadOf } from '../measure.ts'
import { load, type Target } from '../http-load.ts'
import { shown, type Row } from '../result.ts'
import { here, startChild, type Child } from '../child-process.ts'
import { fill, openShop, type Shop } from '../fixtures.ts'

const connections = 16
const licenses = 1_000

/** Signatures a second by openssl on every core; `null` where there is none. */
export function opensslRate(): number | null {
  const args = ['speed', '-seconds', '1', '-multi', String(navigator.hardwareConcurrency), 'rsa4096']
  const { stdout } = spawnSync('openssl', args, { encoding: 'utf8' })
  const rate = /rsa 4096 bits\s+\S+\s+\S+\s+([\d.]+)/.exec(stdout ?? '')?.[1]
  return rate === undefined ? null : Number(rate)
}

/** Regenerates one license after another over HTTP. */
export async function regenerationTarget({ storage, app }: Shop, child: Child): Promise<Target> {
  const { port, secret } = child.greeting as { readonly port: number; readonly secret: string }
  const now = Math.floor(Date.now() / 1000)
  const ids = (await storage.listLicenses({ appId: app.id, now }, { limit: 100 })).map(({ id }) => id)
  return {
    port,
    method: 'POST',
    path: (number) => `/api/v1/apps/${app.slug}/licenses/${ids[number % ids.length]}/regenerate`,
    headers: { authorization: `Bearer ${secret}` },
  }
}

/** Tokens a second over HTTP beside signatures a second in the same process, on one runtime. */
export const regeneration: Row = async ({ rounds, milliseconds }, ground) => {
  const shop = await openShop(await ground.place('licenses'), 'bench')
  await fill(shop, licenses)
  const child = await startChild(here, 'server.ts', ['all-cores', shop.location, 'bench'])
  const target = await regenerationTarget(shop, child)
  const figures = await inTurn(rounds, {
    http: async () => (await load(target, { connections, milliseconds })).perSecond,
    alone: async () => (await child.ask(`sign ${milliseconds}`)) as number,
  })
  await child.stop()
  await shop.close()
  const [http, alone] = [spreadOf(figures.http).median, spreadOf(figures.alone).median]
  const openssl = opensslRate()
  return [
    {
      what: 'Regenerate over HTTP, all cores: tokens a second',
      against: 'jose signing alone, 16 in flight, same process',
      runtime: here,
      database: ground.database,
      figure: spreadOf(ratios(figures.http, figures.alone)),
      goal: { atLeast: 0.9 },
      detail: `${shown(http)} a second, ${shown(alone)}${openssl === null ? '' : `; openssl ${shown(openssl)}`}`,
    },
  ]
}
