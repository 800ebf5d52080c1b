import { CompactSign, importPKCS8 } from 'jose'
import { generateRsaKeyPair, type KeyPair } from '../../src/core/index.ts'
import type { Benchmark, Effort } from '../benchmark.ts'
import { thisRuntime } from '../child-process.ts'
import { addLicenses, openFixture, type Fixture } from '../fixtures.ts'
import { durationOf, measureInTurn, rateOf, ratios, spreadOf } from '../measure.ts'
import { formatMedian, formatNumber, type Result } from '../result.ts'

const few = 1_000

/** With fewer licenses, a rotation takes as long as the noise of the machine lasts, and signing them all not long enough. */
const leastLicenses = 100_000

/** Measures one rotation in milliseconds, without the generation of the key pair. */
function rotateOnce({ licensing, app }: Fixture, keyPair: KeyPair): Promise<number> {
  return durationOf(() => licensing.rotateKeys(app.slug, {}, keyPair))
}

/** Estimates the milliseconds that signing a token for each license takes, because signing them all takes most of an hour. */
async function timeToSignAll(
  { milliseconds, licenses }: Effort,
  { privateKeyPem }: KeyPair,
): Promise<number> {
  const key = await importPKCS8(privateKeyPem, 'RS256')
  const payload = new TextEncoder().encode('x'.repeat(400))
  const perSecond = await rateOf(milliseconds, 16, () =>
    new CompactSign(payload).setProtectedHeader({ alg: 'RS256', typ: 'JWT' }).sign(key),
  )
  return (licenses * 1000) / perSecond
}

function compare(big: Fixture, small: Fixture, effort: Effort) {
  let keyPair: KeyPair
  const filter = { appId: big.app.id, status: 'active', now: Math.floor(Date.now() / 1000) } as const
  return measureInTurn(effort.rounds, {
    // Each round generates one key pair for both fixtures.
    many: async () => rotateOnce(big, (keyPair = await generateRsaKeyPair())),
    few: () => rotateOnce(small, keyPair),
    count: () => durationOf(() => big.storage.countLicenses(filter)),
    signing: () => timeToSignAll(effort, keyPair),
  })
}

/** Compares a rotation with many licenses to one with few, and to signing every token in the request. */
export const rotation: Benchmark = async (effort, databases) => {
  const big = await openFixture(await databases.create('many'), 'bench')
  const small = await openFixture(await databases.create('few'), 'bench')
  await addLicenses(big, effort.licenses)
  await addLicenses(small, few)
  const figures = await compare(big, small, effort)
  await Promise.all([big.close(), small.close()])
  const [many, signing] = [spreadOf(figures.many).median, spreadOf(figures.signing).median]
  const fewAndCount = figures.few.map((figure, round) => figure + figures.count[round]!)
  const isTooSmall = effort.licenses < leastLicenses
  const row = { runtime: thisRuntime, database: databases.database, isTooSmall } as const
  const what = `Rotate the keys of ${formatNumber(effort.licenses)} active licenses`
  return [
    {
      ...row,
      what,
      against: `the same with ${formatNumber(few)}, plus one count query`,
      figure: spreadOf(ratios(figures.many, fewAndCount)),
      goal: { atMost: 1.1 },
      detail: `${formatNumber(many)} ms, ${formatMedian(fewAndCount)} ms`,
    },
    {
      ...row,
      what,
      against: 'signing every token in the request, computed from the signing rate',
      figure: spreadOf(ratios(figures.signing, figures.many)),
      goal: { atLeast: 1000 },
      detail: `${formatNumber(many)} ms, ${formatNumber(signing / 1000)} s`,
    },
  ] satisfies readonly Result[]
}
