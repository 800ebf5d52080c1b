// A storage of your own, which keeps the same promises as every storage of Heartwood.
// This one keeps an audit trail of licenses on top of another storage. Yours may use any database.
import type { LicenseStorage, Storage, StorageSession } from 'heartwood'
import { memoryStorage } from 'heartwood/storage/memory'
import { storageCases } from 'heartwood/testing'

type Audit = (entry: string) => void
type Audited = Pick<LicenseStorage, 'insertLicense' | 'updateLicense' | 'deleteLicense'>

function auditedVerbs(inner: LicenseStorage, audit: Audit): Audited {
  return {
    async insertLicense(license, entry) {
      const isInserted = await inner.insertLicense(license, entry)
      if (isInserted) audit(`${license.id} was issued`)
      return isInserted
    },
    async updateLicense(id, expectedVersion, patch, entry) {
      const changed = await inner.updateLicense(id, expectedVersion, patch, entry)
      if (changed !== null) audit(`${id} has version ${changed.version}`)
      return changed
    },
    async deleteLicense(id) {
      const isDeleted = await inner.deleteLicense(id)
      if (isDeleted) audit(`${id} was deleted`)
      return isDeleted
    },
  }
}

// All other verbs are inherited from the inner session.
function auditedSession<Session extends StorageSession>(inner: Session, audit: Audit): Session {
  return Object.assign(Object.create(inner) as Session, auditedVerbs(inner, audit))
}

export function auditedStorage(inner: Storage, audit: Audit): Storage {
  return Object.assign(auditedSession(inner, audit), {
    async transaction<T>(work: (tx: StorageSession) => Promise<T>): Promise<T> {
      let entries: string[] = []
      const result = await inner.transaction((tx) => {
        // A storage may run the work again, and only a commit counts.
        entries = []
        return work(auditedSession(tx, (entry) => entries.push(entry)))
      })
      for (const entry of entries) audit(entry)
      return result
    },
  })
}

// With a test runner: `test(name, () => run(open))`. Without one, in a loop.
const trail: string[] = []
for (const { run } of storageCases)
  await run(async () => auditedStorage(memoryStorage(), (entry) => trail.push(entry)))
console.log(`${storageCases.length} promises kept, ${trail.length} changes of licenses audited`)
