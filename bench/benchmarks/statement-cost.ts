import process from 'node:process'
import { CompactSign, importPKCS8 } from 'jose'
import type { Context } from '../../src/core/context.ts'
import { createLicensing } from '../../src/core/index.ts'
import { sealSigningKey } from '../../src/core/keys/signing-keys.ts'
import { createSealer } from '../../src/core/runtime/sealer.ts'
import type { Storage } from '../../src/core/index.ts'
import { testKeyPairs } from '../../test/support/keys.ts'
import type { Benchmark } from '../benchmark.ts'
import { thisRuntime } from '../child-process.ts'
import { masterKey, openFixture } from '../fixtures.ts'
import { measureInTurn, spreadOf } from '../measure.ts'
import { formatMedian, type Result } from '../result.ts'

const [first, , ...later] = testKeyPairs

/** The CPU time of some work in milliseconds, on all threads of this process. */
async function cpuOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** A rotation as it was before statements: a sealed key, a swap and a count in one transaction. */
async function rotateAlone(context: Context, storage: Storage, appId: string, pair: number): Promise<void> {
  const { record: key } = await sealSigningKey(context, appId, later[pair]!)
  const active = await storage.findActiveKey(appId)
  await storage.transaction(async (tx) => {
    await tx.swapActiveKey(appId, active!.kid, key, null)
    await tx.countLicenses({ appId, status: 'active', now: key.createdAt })
  })
}

/** Measures the CPU time that the statement adds to a rotation. */
export const statementCost: Benchmark = async ({ rounds }, databases) => {
  const { storage, close } = await openFixture(await databases.create('apps'), 'bench')
  const now = (): number => Math.floor(Date.now() / 1000)
  const runtime = { sealer: await createSealer(masterKey), now }
  const context = { runtime } as unknown as Context
  const signer = await importPKCS8(first!.privateKeyPem, 'RS256')
  const payload = new TextEncoder().encode('x'.repeat(1_200))
  let apps = 0
  /** Each round has an app of its own, and caches too, because a pair never signs twice for one app. */
  const withApp = async (work: (slug: string, rotate: (pair: number) => Promise<unknown>) => Promise<number>) => {
    const licensing = await createLicensing({ storage, masterKey })
    const { slug } = await licensing.apps.create({ name: 'App', slug: `app-${++apps}` }, { keyPair: first! })
    return work(slug, (pair) => licensing.rotateKeys(slug, {}, testKeyPairs[pair]!))
  }
  const figures = await measureInTurn(5 * rounds, {
    first: () => withApp((_, rotate) => cpuOf(() => rotate(1))),
    later: () =>
      withApp(async (_, rotate) => {
        await rotate(1)
        return cpuOf(async () => {
          for (let pair = 2; pair < testKeyPairs.length; pair++) await rotate(pair)
        })
      }),
    alone: () =>
      withApp(async (slug) => {
        const { id } = (await storage.findApp(slug))!
        return cpuOf(async () => {
          for (let pair = 0; pair < later.length; pair++) await rotateAlone(context, storage, id, pair)
        })
      }),
    signature: () =>
      cpuOf(() => new CompactSign(payload).setProtectedHeader({ alg: 'RS256', typ: 'JWT' }).sign(signer)),
  })
  await close()
  const signature = spreadOf(figures.signature).median
  const alone = spreadOf(figures.alone).median / later.length
  const inSignatures = (cpu: number): number => (cpu - alone) / signature
  const row = (what: string, cpus: readonly number[], atMost: number): Result => ({
    what,
    against: 'the same without a statement; in signatures of one token, by CPU time',
    runtime: thisRuntime,
    database: databases.database,
    figure: spreadOf(cpus.map(inSignatures)),
    unit: 'signatures',
    goal: { atMost },
    detail: `${formatMedian(cpus)} ms, ${formatMedian([alone])} ms; a signature ${formatMedian([signature])} ms`,
  })
  return [
    row('Statement of a rotation', figures.later.map((cpu) => cpu / later.length), 2),
    row('Statement of the first rotation of an app', figures.first, 3),
  ]
}
