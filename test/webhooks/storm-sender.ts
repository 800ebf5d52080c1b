// Sends the events of a database until it is killed: `storm-sender.ts FILE`.
import process from 'node:process'
import { createLicensing } from '../../src/core/index.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { startDelivery } from '../../src/webhooks/index.ts'
import { masterKey } from '../support/world.ts'

const storage = await sqliteStorage({ filename: process.argv[2]! })
const licensing = await createLicensing({ storage, masterKey, webhooks: { allowPrivateTargets: true } })
startDelivery(licensing, {
  ...{ pollMs: 50, deadlineMs: 500, leaseSeconds: 2, perApp: 16 },
  pauses: Array.from({ length: 60 }, () => 1),
})
console.log('sends')
