import { KeyChain } from '../../src/client/key-chain.ts'
import { createLicensing } from '../../src/core/index.ts'
import { readStatement } from '../../src/core/token/statement.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import type { Benchmark } from '../benchmark.ts'
import { thisRuntime } from '../child-process.ts'
import { durationOf, spreadOf } from '../measure.ts'
import { formatNumber } from '../result.ts'

const expected = { audience: 'bench', issuer: 'license-server' }
const count = 10

/** A trust file of so many statements, all with keys of 4096 bits as the server makes them. */
async function makeTrustFile() {
  const licensing = await createLicensing({ storage: memoryStorage(), masterKey: new Uint8Array(32).fill(7) })
  await licensing.apps.create({ name: 'Bench', slug: 'bench' })
  for (let made = 1; made < count; made++) await licensing.rotateKeys('bench')
  return licensing.apps.trust('bench')
}

/** Measures a program's walk from the first key of an app to its tenth, as at a start. */
export const walkStatements: Benchmark = async ({ rounds }) => {
  const file = await makeTrustFile()
  const anchor = await readStatement(file.statements[0], expected)
  const walk = async (): Promise<void> => {
    const chain = new KeyChain(expected, [anchor!])
    await chain.offer(file)
    if (chain.keys.length !== count) throw new Error('The walk ended early')
  }
  const durations: number[] = []
  for (let round = 0; round < 5 * rounds + 1; round++) durations.push(await durationOf(walk))
  const [first = 0, ...later] = durations
  return [
    {
      what: `Walk ${count} statements about signing keys`,
      against: '',
      runtime: thisRuntime,
      figure: spreadOf(later),
      unit: 'ms',
      goal: { atMost: thisRuntime === 'Deno' ? 25 : 10 },
      detail: `${formatNumber(first)} ms the first time; ${formatNumber(JSON.stringify(file).length / count)} characters a statement`,
    },
  ]
}
