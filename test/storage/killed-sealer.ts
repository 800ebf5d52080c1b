/** A process for the tests: seals the audit log of a database, and is killed inside its second page, before the commit. */
import process from 'node:process'
import { createLicensing, type Storage, type StorageSession } from '../../src/core/index.ts'
import { masterKey } from '../support/fixtures.ts'
import { openTarget } from './two-servers.ts'

let pages = 0

/** The same session, which kills this process once the second page has written everything. */
function deadly(tx: StorageSession): StorageSession {
  return Object.assign(Object.create(tx) as StorageSession, {
    sealAuditEntries: async (...given: Parameters<StorageSession['sealAuditEntries']>) => {
      const count = await tx.sealAuditEntries(...given)
      if (++pages === 2) process.kill(process.pid, 'SIGKILL')
      return count
    },
  })
}

const inner = await openTarget(process.argv.at(-1)!)
const storage = Object.assign(Object.create(inner) as Storage, {
  transaction: <T>(work: (tx: StorageSession) => Promise<T>) => inner.transaction((tx) => work(deadly(tx))),
})
await (await createLicensing({ storage, masterKey })).audit.seal()
await storage.close()
