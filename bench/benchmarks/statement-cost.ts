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
import { installationOf, masterKey, openFixture } from '../fixtures.ts'
import { measureInTurn, spreadOf } from '../measure.ts'
import { formatMedian, type Result } from '../result.ts'

const [first, , ...later] = testKeyPairs

/** Tokens that are signed after each rotation. */
const tokens = 3

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
  await storage.findApp(appId)
  const active = await storage.findActiveKey(appId)
  await storage.listSigningKeys(appId)
  await storage.transaction(async (tx) => {
    await tx.swapActiveKey(appId, active!.kid, key, null)
    await tx.countLicenses({ appId, status: 'active', now: key.createdAt })
  })
}

/** An app of which some tokens are signed already, as on a server that has run for a while. */
interface Signing {
  readonly appId: string
  rotate(pair: number): Promise<unknown>
  /** Signs a token for each license. */
  sign(): Promise<void>
}

/** Makes an app with caches of its own, because a pair never signs twice for one app. */
async function newSigning(storage: Storage, slug: string): Promise<Signing> {
  const licensing = await createLicensing({ storage, masterKey })
  const { id: appId } = await licensing.apps.create({ name: 'App', slug }, { keyPair: first! })
  await licensing.tiers.create(slug, { name: 'Pro', slug: 'pro', features: [] })
  const { id: customerId } = await licensing.customers.create(slug, { email: 'ada@example.com' })
  const terms = { customerId, tierId: 'pro', forever: true } as const
  const ids: string[] = []
  for (let number = 0; number < tokens; number++)
    ids.push((await licensing.licenses.create(slug, { ...terms, installationId: installationOf(number) })).id)
  return {
    appId,
    rotate: (pair) => licensing.rotateKeys(slug, {}, testKeyPairs[pair]!),
    sign: async () => {
      for (const id of ids) await licensing.licenses.token(slug, id)
    },
  }
}

/**
 * Measures the CPU time that the statement adds to a rotation and the tokens after it. The first signatures of a key take longer,
 * and without a statement those tokens would make them.
 */
export const statementCost: Benchmark = async ({ rounds }, databases) => {
  const { storage, close } = await openFixture(await databases.create('apps'), 'bench')
  const now = (): number => Math.floor(Date.now() / 1000)
  const runtime = { sealer: await createSealer(masterKey), now }
  const context = { runtime } as unknown as Context
  const signer = await importPKCS8(first!.privateKeyPem, 'RS256')
  const payload = new TextEncoder().encode('x'.repeat(1_200))
  let apps = 0
  const next = (): Promise<Signing> => newSigning(storage, `app-${++apps}`)
  const figures = await measureInTurn(3 * rounds, {
    first: async () => {
      const { rotate, sign } = await next()
      return cpuOf(async () => {
        await rotate(1)
        await sign()
      })
    },
    later: async () => {
      const { rotate, sign } = await next()
      await rotate(1)
      await sign()
      return cpuOf(async () => {
        for (let pair = 2; pair < testKeyPairs.length; pair++) {
          await rotate(pair)
          await sign()
        }
      })
    },
    alone: async () => {
      const { appId, sign } = await next()
      return cpuOf(async () => {
        for (let pair = 0; pair < later.length; pair++) {
          await rotateAlone(context, storage, appId, pair)
          await sign()
        }
      })
    },
    signature: () =>
      cpuOf(() => new CompactSign(payload).setProtectedHeader({ alg: 'RS256', typ: 'JWT' }).sign(signer)),
  })
  await close()
  const signature = spreadOf(figures.signature).median
  const alone = spreadOf(figures.alone).median / later.length
  const inSignatures = (cpu: number): number => (cpu - alone) / signature
  const row = (what: string, cpus: readonly number[], atMost: number): Result => ({
    what: `CPU time of the statement of ${what} and of ${tokens} tokens after it`,
    against: 'the same without a statement, in signatures',
    runtime: thisRuntime,
    database: databases.database,
    figure: spreadOf(cpus.map(inSignatures)),
    unit: 'signatures',
    goal: { atMost },
    detail: `${formatMedian(cpus)} ms, ${formatMedian([alone])} ms; a signature ${formatMedian([signature])} ms`,
  })
  return [
    row(
      'a rotation',
      figures.later.map((cpu) => cpu / later.length),
      2.5,
    ),
    row('the first rotation of an app', figures.first, 3.5),
  ]
}
