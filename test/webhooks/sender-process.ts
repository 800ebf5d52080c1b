// Sends the events of a database until it is killed. Usage: `sender-process.ts FILE_OR_ADDRESS`.
import process from 'node:process'
import { createLicensing } from '../../src/core/index.ts'
import { startDelivery } from '../../src/webhooks/index.ts'
import { openTarget } from '../storage/two-servers.ts'
import { masterKey } from '../support/fixtures.ts'

const storage = await openTarget(process.argv[2]!)
const licensing = await createLicensing({ storage, masterKey, webhooks: { allowPrivateTargets: true } })
startDelivery(licensing, {
  pollMs: 50,
  deadlineMs: 500,
  leaseSeconds: 2,
  perApp: 16,
  pauses: Array.from({ length: 60 }, () => 1),
})
console.log('sends')
