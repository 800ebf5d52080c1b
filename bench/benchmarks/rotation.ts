import { CompactSign, importPKCS8 } from 'jose'
import { generateRsaKeyPair, type KeyPair } from '../../src/core/index.ts'
import { inTurn, ratios, rateOf, spreadOf, timed } from '../measure.ts'
import { shown, type Effort, type Result, type Row } from '../result.ts'
import { here } from '../child-process.ts'
import { fill, openShop, type Shop } from '../fixtures.ts'

const few = 1_000

/** A rotation, in milliseconds, with its key pair made before. */
function rotateOnce({ licensing, app }: Shop, keyPair: KeyPair): Promise<number> {
  return timed(() => licensing.rotateKeys(app.slug, {}, keyPair))
}

/** Milliseconds for signing so many tokens, from what is signed in a while. */
async function signingAll({ milliseconds, licenses }: Effort, { privateKeyPem }: KeyPair): Promise<number> {
  const key = await importPKCS8(privateKeyPem, 'RS256')
  const payload = new TextEncoder().encode('x'.repeat(400))
  const perSecond = await rateOf(milliseconds, 16, () =>
    new CompactSign(payload).setProtectedHeader({ alg: 'RS256', typ: 'JWT' }).sign(key),
  )
  return (licenses * 1000) / perSecond
}

function compare(big: Shop, small: Shop, effort: Effort) {
  let keyPair: KeyPair
  const filter = { appId: big.app.id, status: 'active', now: Math.floor(Date.now() / 1000) } as const
  return inTurn(effort.rounds, {
    // Each round takes one new pair, which the two shops need not know of each other.
    many: async () => rotateOnce(big, (keyPair = await generateRsaKeyPair())),
    few: () => rotateOnce(small, keyPair),
    count: () => timed(() => big.storage.countLicenses(filter)),
    signing: () => signingAll(effort, keyPair),
  })
}

/** What rotating the keys of many licenses costs beside those of few, and beside signing every token anew. */
export const rotation: Row = async (effort, ground) => {
  const big = await openShop(await ground.place('many'), 'bench')
  const small = await openShop(await ground.place('few'), 'bench')
  await fill(big, effort.licenses)
  await fill(small, few)
  const figures = await compare(big, small, effort)
  await Promise.all([big.close(), small.close()])
  const [many, signing] = [spreadOf(figures.many).median, spreadOf(figures.signing).median]
  const fewAndCount = figures.few.map((figure, round) => figure + figures.count[round]!)
  const row = { runtime: here, database: ground.database } as const
  const what = `Rotate the keys of ${shown(effort.licenses)} active licenses`
  return [
    {
      ...row,
      what,
      against: `the same with ${shown(few)}, plus one count`,
      figure: spreadOf(ratios(figures.many, fewAndCount)),
      goal: { atMost: 1.1 },
      detail: `${shown(many)} ms, ${shown(spreadOf(fewAndCount).median)} ms`,
    },
    {
      ...row,
      what,
      against: 'signing every token in the request, reckoned from the rate',
      figure: spreadOf(ratios(figures.signing, figures.many)),
      goal: { atLeast: 1000 },
      detail: `${shown(many)} ms, ${shown(signing / 1000)} s`,
    },
  ] satisfies readonly Result[]
}
