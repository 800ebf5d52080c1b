/** A process for the tests: `other-process.ts FILE NAME` changes the app of a shop in a database. */
import process from 'node:process'
import { createLicensing } from '../../src/core/index.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { masterKey, start } from '../support/fixtures.ts'
import { testKeyPairs } from '../support/keys.ts'

const [filename = '', name] = process.argv.slice(-2)
const storage = await sqliteStorage({ filename })
const { apps, rotateKeys } = await createLicensing({ storage, masterKey, now: () => start * 1000 })
if (name === 'delete') await apps.delete('desktop-app')
else await rotateKeys('desktop-app', {}, testKeyPairs[3]!)
await storage.close()
