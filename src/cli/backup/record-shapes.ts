import { apiKeyRecord } from '../../core/storage/api-keys.ts'
import { appRecord } from '../../core/storage/apps.ts'
import { customerRecord } from '../../core/storage/customers.ts'
import { deliveryRecord } from '../../core/storage/deliveries.ts'
import { expiryNotice } from '../../core/storage/expiry-notices.ts'
import { featureRecord } from '../../core/storage/features.ts'
import { licenseRecord } from '../../core/storage/licenses.ts'
import type { RecordSchema } from '../../core/storage/schema.ts'
import { signingKeyRecord } from '../../core/storage/signing-keys.ts'
import { tierRecord } from '../../core/storage/tiers.ts'
import { webhookRecord } from '../../core/storage/webhooks.ts'
import type { Kind, Records } from './records.ts'

/** The schema of each kind of record. An import refuses a field that is missing, unknown or of another type. */
export const recordShapes: { readonly [K in Kind]: RecordSchema<Records[K]> } = {
  app: appRecord,
  feature: featureRecord,
  tier: tierRecord,
  signingKey: signingKeyRecord,
  customer: customerRecord,
  license: licenseRecord,
  notice: expiryNotice,
  webhook: webhookRecord,
  delivery: deliveryRecord,
  apiKey: apiKeyRecord,
}
