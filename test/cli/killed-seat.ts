/**
 * A process for the tests: makes one call on a database, and is killed after its commit and before its answer. Arguments: the
 * database, the name of the call, and what it gets as JSON.
 */
import process from 'node:process'
import { createLicensing, type Licensing, type Storage } from '../../src/core/index.ts'
import { openTarget } from '../storage/two-servers.ts'
import { masterKey } from '../support/fixtures.ts'

export interface SeatCall {
  readonly key: string
  readonly installationId: string
  readonly id: string
  readonly token: string
}

export type SeatCallName = 'activate' | 'release'

const app = 'crowd'

const calls: Readonly<Record<SeatCallName, (licensing: Licensing, call: SeatCall) => Promise<unknown>>> = {
  activate: ({ licenseKeys }, { key, installationId }) => licenseKeys.activate(app, key, { installationId }),
  release: ({ licenseKeys }, { id, token }) => licenseKeys.release(app, id, { currentToken: token }),
}

/** True once the next commit kills this process. */
let isArmed = false

function killAfter<T>(committed: T): T {
  if (isArmed) process.kill(process.pid, 'SIGKILL')
  return committed
}

/** The same storage, which may kill this process once a transaction is committed. */
function deadly(storage: Storage): Storage {
  const { transaction } = storage
  return Object.assign(storage, {
    transaction: (...given: Parameters<Storage['transaction']>) =>
      transaction.apply(storage, given).then(killAfter),
  })
}

if (import.meta.main) {
  const [target, name, given] = process.argv.slice(-3)
  const storage = deadly(await openTarget(target!))
  const licensing = await createLicensing({ storage, masterKey })
  isArmed = true
  await calls[name as SeatCallName](licensing, JSON.parse(given!) as SeatCall)
  await storage.close()
}
