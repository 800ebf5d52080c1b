import { apiKeyCases } from './storage-cases/api-keys.ts'
import { appCases } from './storage-cases/apps.ts'
import type { ConformanceCase } from './storage-cases/conformance-case.ts'
import { customerCases } from './storage-cases/customers.ts'
import { storedResponseCases } from './storage-cases/idempotency.ts'
import { licenseCases } from './storage-cases/licenses.ts'
import { orphanCases } from './storage-cases/orphans.ts'
import { outboxCases } from './storage-cases/outbox.ts'
import { pageCases } from './storage-cases/pages.ts'
import { reissueCases } from './storage-cases/regenerate-many.ts'
import { sealedCases } from './storage-cases/secrets.ts'
import { signingKeyCases } from './storage-cases/signing-keys.ts'
import { tierAndFeatureCases } from './storage-cases/tiers.ts'
import { transactionCases } from './storage-cases/transactions.ts'

export type { ConformanceCase } from './storage-cases/conformance-case.ts'

/**
 * The promises of the storage contract as runnable cases, for authors of storages. They belong to no test runner.
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
  ...tierAndFeatureCases,
  ...customerCases,
  ...licenseCases,
  ...reissueCases,
  ...apiKeyCases,
  ...storedResponseCases,
  ...sealedCases,
  ...outboxCases,
  ...pageCases,
  ...orphanCases,
  ...transactionCases,
]
