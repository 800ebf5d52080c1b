import { generateRsaKeyPair, type KeyPair } from '../../src/core/index.ts'
import type { Benchmark } from '../benchmark.ts'
import { thisRuntime } from '../child-process.ts'
import { openFixture } from '../fixtures.ts'
import { durationOf, quantile, spreadOf } from '../measure.ts'
import { formatMedian, formatNumber } from '../result.ts'

const poolSize = 2

/**
 * Creates apps in bursts that use up the pool of key pairs. Reports the 95th percentile of the duration, and the time that
 * one key pair takes.
 */
export const appCreation: Benchmark = async ({ rounds }, databases) => {
  const generationTimes: number[] = []
  const newKeyPair = async (): Promise<KeyPair> => {
    let pair: KeyPair | undefined
    generationTimes.push(await durationOf(async () => (pair = await generateRsaKeyPair())))
    return pair!
  }
  const { licensing, close } = await openFixture(await databases.create('apps'), 'bench', {
    keyPool: poolSize,
    newKeyPair,
  })
  const { create } = licensing.apps
  const creationTimes: number[] = []
  for (let burst = 0; burst < 2 * rounds; burst++) {
    while (generationTimes.length < poolSize * (burst + 1))
      await new Promise((resolve) => setTimeout(resolve, 5))
    for (let app = 0; app < poolSize; app++)
      creationTimes.push(await durationOf(() => create({ name: 'App', slug: `app-${burst}-${app}` })))
  }
  await close()
  const sorted = creationTimes.toSorted((a, b) => a - b)
  const figure = { ...spreadOf(creationTimes), median: quantile(sorted, 0.95) }
  return [
    {
      what: `Create an app, in bursts of ${poolSize}: 95th percentile`,
      against: 'generating an RSA-4096 key pair',
      runtime: thisRuntime,
      database: 'SQLite',
      figure,
      unit: 'ms',
      goal: { atMost: 25 },
      detail: `${formatNumber(figure.median)} ms, ${formatMedian(generationTimes)} ms in the median`,
    },
  ]
}
