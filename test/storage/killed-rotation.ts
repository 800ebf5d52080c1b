/**
 * A process for the tests: changes the signing keys of an app, and is killed at a step of its transaction. Arguments: the
 * database, the name of the change, and the number of the step.
 */
import process from 'node:process'
import {
  createLicensing,
  recoveryKeyId,
  signWithRecoveryKey,
  type Licensing,
  type Recover,
  type Storage,
  type StorageSession,
} from '../../src/core/index.ts'
import { isRead } from '../../src/core/storage/verbs.ts'
import { masterKey } from '../support/fixtures.ts'
import { recoveryKeys, testKeyPairs } from '../support/keys.ts'
import { slug } from './race-tasks.ts'
import { openTarget } from './two-servers.ts'

const { privateKeyPem } = recoveryKeys[0]!
const recover: Recover = async (payload) => [await signWithRecoveryKey(payload, privateKeyPem)]

/** A pair that the app has not had yet. */
async function freshPair({ apps }: Licensing) {
  return testKeyPairs[(await apps.keys(slug)).length]!
}

/** Gives the app the recovery key that a compromised rotation needs. */
export async function giveRecoveryKey({ recovery }: Licensing): Promise<void> {
  await recovery.set(slug, { threshold: 1, kids: [await recoveryKeyId(privateKeyPem)] }, recover)
}

export const changes: Readonly<Record<string, (licensing: Licensing) => Promise<unknown>>> = {
  'a rotation with grace': async (licensing: Licensing) =>
    licensing.rotateKeys(slug, { gracePeriodDays: 30 }, await freshPair(licensing)),
  'a compromised rotation': async (licensing: Licensing) =>
    licensing.rotateKeys(slug, { compromised: true, recover }, await freshPair(licensing)),
}

/** The same storage, which kills this process when its transaction begins, before each write, before its commit and after. */
function deadly(storage: Storage, step: number): Storage {
  let reached = 0
  const reach = (): void => {
    if (++reached === step) process.kill(process.pid, 'SIGKILL')
  }
  const watched = (tx: StorageSession): StorageSession =>
    new Proxy(tx, {
      get(target, name) {
        const verb: unknown = Reflect.get(target, name)
        if (typeof verb !== 'function' || isRead(String(name))) return verb
        return (...given: readonly unknown[]) => {
          reach()
          return verb.apply(target, given) as unknown
        }
      },
    })
  return Object.assign(Object.create(storage) as Storage, {
    transaction: async <T>(work: (tx: StorageSession) => Promise<T>, options?: object) => {
      reach()
      const result = await storage.transaction(async (tx) => {
        const written = await work(watched(tx))
        reach()
        return written
      }, options)
      reach()
      return result
    },
  })
}

if (import.meta.main) {
  const [target, name, step] = process.argv.slice(-3)
  const inner = await openTarget(target!)
  const storage = deadly(inner, Number(step))
  await changes[name!]!(await createLicensing({ storage, masterKey }))
  await inner.close()
}
