import { generateRsaKeyPair, type KeyPair } from '../../src/core/index.ts'
import { quantile, spreadOf, timed } from '../measure.ts'
import { shown, type Row } from '../result.ts'
import { here } from '../child-process.ts'
import { openShop } from '../fixtures.ts'

const pool = 2

/** What creating apps in bursts of the pool's size costs beside making a key pair. */
export const creation: Row = async ({ rounds }, ground) => {
  const making: number[] = []
  const newKeyPair = async (): Promise<KeyPair> => {
    let pair: KeyPair | undefined
    making.push(await timed(async () => (pair = await generateRsaKeyPair())))
    return pair!
  }
  const { licensing, close } = await openShop(await ground.place('apps'), 'bench', {
    keyPool: pool,
    newKeyPair,
  })
  const creating: number[] = []
  for (let burst = 0; burst < 2 * rounds; burst++) {
    while (making.length < pool * (burst + 1)) await new Promise((resolve) => setTimeout(resolve, 5))
    for (let app = 0; app < pool; app++)
      creating.push(await timed(() => licensing.apps.create({ name: 'App', slug: `app-${burst}-${app}` })))
  }
  await close()
  const sorted = creating.toSorted((a, b) => a - b)
  const figure = { ...spreadOf(creating), median: quantile(sorted, 0.95) }
  return [
    {
      what: `Create an app, in bursts of ${pool}: 95 % within`,
      against: 'generating an RSA-4096 key pair',
      runtime: here,
      database: 'SQLite',
      figure,
      unit: 'ms',
      goal: { atMost: 25 },
      detail: `${shown(figure.median)} ms, ${shown(spreadOf(making).median)} ms in the median`,
    },
  ]
}
