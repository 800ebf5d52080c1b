/** A process for the tests: opens a file, adds an app under a slug, changes it ten times and closes. */
import process from 'node:process'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { newApp } from '../../src/testing/storage-cases/records.ts'

const filename = process.argv.at(-2)!
const slug = process.argv.at(-1)!
const storage = await sqliteStorage({ filename })
await storage.insertApp(newApp({ id: `app_${slug}`, slug }))
for (let step = 1; step <= 10; step++) {
  await storage.transaction(async (tx) => {
    await tx.updateApp(`app_${slug}`, { name: `${step}` })
    await tx.findApp(slug)
  })
}
await storage.close()
