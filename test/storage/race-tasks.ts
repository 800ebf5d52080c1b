import { createLicensing, LicensingError, type Storage } from '../../src/core/index.ts'
import { testKeyPairs } from '../support/keys.ts'
import { newEntries } from '../support/audit-entries.ts'
import { installation, masterKey } from '../support/fixtures.ts'
import type { Server } from './invariants.ts'

export const slug = 'desktop-app'

/** A server. `place`, 0 or 1, selects the half of the fixed key pairs for its rotations. */
export async function serverOn(storage: Storage, place: number): Promise<Server> {
  let made = place
  const newKeyPair = async () => testKeyPairs[(made += 2) % testKeyPairs.length]!
  return { storage, licensing: await createLicensing({ storage, masterKey, newKeyPair }) }
}

/** Creates an app with a tier and a customer. Resolves to the customer's id. */
export async function furnish({ licensing }: Server): Promise<string> {
  await licensing.apps.create({ name: 'App', slug })
  await licensing.tiers.create(slug, { name: 'Pro', slug: 'pro', features: ['api'] })
  return (await licensing.customers.create(slug, { email: 'ada@example.com' })).id
}

/** The outcome of a call: `ok`, or the code of its error. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'ok',
    (error: unknown) => {
      if (error instanceof LicensingError) return error.code
      throw error
    },
  )
}

/** There are few fixed pairs, so the active one may come up again. Then no rotation takes place. */
async function rotate({ licensing }: Server, app: string): Promise<unknown> {
  return licensing.rotateKeys(app).catch((error: unknown) => {
    if (!(error instanceof TypeError)) throw error
    throw new LicensingError('conflict', error.message)
  })
}

const concurrently = <T>(count: number, work: (at: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, at) => work(at)))

const issue = ({ licensing }: Server, customerId: string, installationId: string) =>
  licensing.licenses.create(slug, { installationId, customerId, tierId: 'pro', durationDays: 30 })

interface Installation {
  readonly customerId: string
  readonly number: number
}

/** The tasks that two servers run concurrently. One is another process, so arguments and results are JSON. */
export const tasks = {
  /** Resolves to the number of changes to one version that won. */
  change: async ({ storage }: Server, license: { id: string; version: number }): Promise<number> => {
    const answers = await concurrently(8, () =>
      storage.updateLicense(license.id, license.version, { revision: 9 }),
    )
    return answers.filter((answer) => answer !== null).length
  },
  rotate: (server: Server, app: string): Promise<string[]> =>
    concurrently(4, () => codeOf(rotate(server, app))),
  issue: (server: Server, { customerId, number }: Installation): Promise<string[]> =>
    concurrently(4, () => codeOf(issue(server, customerId, installation(number)))),
  /** Resolves to the licenses of all results, and to the number of results that were not replayed. */
  once: async (
    server: Server,
    { customerId, number }: Installation,
  ): Promise<{ ids: string[]; first: number }> => {
    const key = { key: `key ${number}`, scope: 'test', fingerprint: 'same', license: { app: slug } }
    const answers = await concurrently(4, () =>
      server.licensing.idempotent(key, (licensing) =>
        issue({ ...server, licensing }, customerId, installation(number)),
      ),
    )
    return {
      ids: answers.map(({ result: answer }) => answer.id),
      first: answers.filter(({ replayed }) => !replayed).length,
    }
  },
  /** Two writes under one key: a new customer, then a license. Resolves as `once`. */
  sell: async (server: Server, number: number): Promise<{ ids: string[]; first: number }> => {
    const key = { key: `sale ${number}`, scope: 'test', fingerprint: 'same', license: { app: slug } }
    const answers = await concurrently(4, () =>
      server.licensing.idempotent(key, async (licensing) => {
        const { id } = await licensing.customers.create(slug, { email: `${number}@example.com` })
        return issue({ ...server, licensing }, id, installation(number))
      }),
    )
    return {
      ids: answers.map(({ result }) => result.id),
      first: answers.filter(({ replayed }) => !replayed).length,
    }
  },
  /** Resolves to the ids of the apps that the calls got. */
  ensure: async ({ licensing }: Server, number: number): Promise<string[]> => {
    const app = { name: `App ${number}`, slug: `app-${number}` }
    const tiers = [{ name: 'Pro', slug: 'pro', features: ['api', 'sync'] }]
    const apps = await concurrently(4, () => licensing.ensure({ app, tiers }))
    return apps.map(({ id }) => id)
  },
  /** Adds entries of an act each, and seals meanwhile, until no entry waits. Resolves to the number that it has sealed. */
  log: async ({ storage, licensing }: Server, number: number): Promise<number> => {
    let sealed = 0
    for (let at = 0; at < 5; at++) {
      const entries = newEntries(7, {}, number + at * 10)
      const [, count] = await Promise.all([storage.insertAuditEntries(entries), licensing.audit.seal()])
      sealed += count
    }
    while ((await storage.countUnsealedAuditEntries()) > 0) sealed += await licensing.audit.seal()
    return sealed
  },
  /** Verifies and flushes in turn. Resolves to the number of apps whose licenses it has counted. */
  countThings: async ({ licensing }: Server, number: number): Promise<number> => {
    let counted = 0
    for (let round = 0; round < 5; round++) {
      for (let call = 0; call < 4; call++)
        await licensing.verification.verify(slug, { installationId: installation(number) })
      await licensing.flush()
      counted += await licensing.keepStats()
    }
    return counted
  },
  mix: async (
    server: Server,
    { customerId, seed }: { customerId: string; seed: number },
  ): Promise<string[]> => {
    const random = randomFrom(seed)
    const lanes = await concurrently(4, async () => {
      const codes: string[] = []
      for (let step = 0; step < 5; step++) codes.push(await codeOf(anything(server, customerId, random)))
      return codes
    })
    return lanes.flat()
  },
}

export type Tasks = typeof tasks

/** Random numbers from 0 to 1, which the seed determines. */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

/** Issues, renews or revokes on one of four installations, or rotates. */
export async function anything(server: Server, customerId: string, random: () => number): Promise<unknown> {
  const { licenses } = server.licensing
  const installationId = installation(500 + Math.floor(random() * 4))
  const kind = random()
  if (kind < 0.15) return rotate(server, slug)
  if (kind < 0.45) return issue(server, customerId, installationId)
  const { id, token } = await licenses.getByInstallation(slug, installationId, { include: 'token' })
  return kind < 0.65 ? licenses.revoke(slug, id) : licenses.renew(slug, id, token)
}
