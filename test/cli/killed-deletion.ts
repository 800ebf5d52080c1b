/** A process for the tests: deletes a tier or an app of a file, and is killed inside its third page. */
import process from 'node:process'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { withSmallPages } from '../storage/small-pages.ts'
import { seededApp, seedLicensing } from './seed.ts'

const [filename, kind] = process.argv.slice(-2)
let pages = 0
const beforePage = (): void => {
  if (++pages === 3) process.kill(process.pid, 'SIGKILL')
}
const storage = await sqliteStorage({ filename: filename! })
const licensing = await seedLicensing(withSmallPages(storage, { beforePage }))
await (kind === 'tier' ? licensing.tiers.delete(seededApp, 'pro') : licensing.apps.delete(seededApp))
await storage.close()
