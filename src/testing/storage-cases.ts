import { apiKeyCases } from './storage-cases/api-keys.ts'
import { appCases } from './storage-cases/apps.ts'
import { auditChainCases } from './storage-cases/audit-chain.ts'
import { auditEntryCases } from './storage-cases/audit-entries.ts'
import type { ConformanceCase } from './storage-cases/conformance-case.ts'
import { customerCases } from './storage-cases/customers.ts'
import { deletionCases } from './storage-cases/deletions.ts'
import { deliveryCases } from './storage-cases/deliveries.ts'
import { expiryNoticeCases } from './storage-cases/expiry-notices.ts'
import { storedResponseCases } from './storage-cases/idempotency.ts'
import { keyStatementCases } from './storage-cases/key-statements.ts'
import { licenseKeyCases } from './storage-cases/license-keys.ts'
import { notedUpdateCases } from './storage-cases/noted-updates.ts'
import { licenseCases } from './storage-cases/licenses.ts'
import { licenseOrderCases } from './storage-cases/license-order.ts'
import { orphanCases } from './storage-cases/orphans.ts'
import { pageCases } from './storage-cases/pages.ts'
import { regenerationCases } from './storage-cases/regenerate-many.ts'
import { searchCases } from './storage-cases/search.ts'
import { seatCases } from './storage-cases/seats.ts'
import { seenCases } from './storage-cases/seen.ts'
import { secretCases } from './storage-cases/secrets.ts'
import { signingKeyCases } from './storage-cases/signing-keys.ts'
import { snapshotCases } from './storage-cases/snapshots.ts'
import { tallyCases } from './storage-cases/tallies.ts'
import { tierCases } from './storage-cases/tiers.ts'
import { transactionCases } from './storage-cases/transactions.ts'
import { webhookCases } from './storage-cases/webhooks.ts'

export type { ConformanceCase } from './storage-cases/conformance-case.ts'

/**
 * The promises of the storage contract as runnable cases, for authors of storages. They run under any test runner.
 *
 * @example
 * ```ts
 * import { test } from 'node:test'
 * import { memoryStorage } from 'heartwood/storage/memory'
 * import { storageCases } from 'heartwood/testing'
 *
 * for (const { name, run } of storageCases) {
 *   test(name, () => run(async () => memoryStorage()))
 * }
 * ```
 */
export const storageCases: readonly ConformanceCase[] = [
  ...appCases,
  ...signingKeyCases,
  ...keyStatementCases,
  ...tierCases,
  ...customerCases,
  ...licenseCases,
  ...licenseOrderCases,
  ...licenseKeyCases,
  ...seatCases,
  ...seenCases,
  ...regenerationCases,
  ...apiKeyCases,
  ...storedResponseCases,
  ...secretCases,
  ...searchCases,
  ...webhookCases,
  ...deliveryCases,
  ...expiryNoticeCases,
  ...deletionCases,
  ...auditChainCases,
  ...tallyCases,
  ...snapshotCases,
  ...pageCases,
  ...auditEntryCases,
  ...notedUpdateCases,
  ...orphanCases,
  ...transactionCases,
]
