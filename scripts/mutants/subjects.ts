/** The other storages would only cost time. */
const inMemory = 'test/storage/idempotent-work.test.ts -t memory'
const brokenInMemory = 'test/storage/broken-work.test.ts -t memory'
const besideDeletion = 'test/storage/beside-deletion.test.ts -t memory'

/**
 * Source files with the tests that name their subject, as arguments of `bun test`. The closest test stands first, because a
 * mutant ends at the first that fails.
 */
export const subjects: Readonly<Record<string, readonly string[]>> = {
  'src/core/token/decision.ts': [
    'test/core/decision.test.ts',
    'test/core/terms.test.ts',
    'test/core/verification.test.ts',
    'test/core/token-caches.test.ts',
    'test/client/client.test.ts',
  ],
  'src/core/token/jti.ts': [
    'test/core/token.test.ts',
    'test/core/hostile-tokens.test.ts',
    'test/core/verification.test.ts',
  ],
  'src/core/token/pasted.ts': ['test/core/pasted-token.test.ts'],
  'src/core/token/token.ts': [
    'test/core/token-grammar.test.ts',
    'test/core/terms.test.ts',
    'test/core/token.test.ts',
    'test/core/hostile-tokens.test.ts',
    'test/core/wycheproof.test.ts',
    'test/core/idempotency.test.ts',
  ],
  'src/core/runtime/sealer.ts': [
    'test/core/seal.test.ts',
    'test/core/rekey.test.ts',
    'test/core/token.test.ts',
  ],
  'src/core/runtime/master-key.ts': [
    'test/core/seal.test.ts',
    'test/core/rekey.test.ts',
    'test/core/token.test.ts',
  ],
  'src/core/runtime/cache.ts': ['test/core/promise-cache.test.ts', 'test/core/forgotten-keys.test.ts'],
  'src/core/keys/app-keys.ts': [
    'test/core/rotation.test.ts',
    'test/core/restricted.test.ts',
    'test/core/credentials.test.ts',
    besideDeletion,
  ],
  'src/core/keys/purposes.ts': [
    'test/core/seal.test.ts',
    'test/core/idempotency.test.ts',
    'test/core/rekey.test.ts',
  ],
  'src/core/keys/rotation.ts': [
    'test/core/rotation.test.ts',
    'test/core/forgotten-keys.test.ts',
    'test/core/restricted.test.ts',
    'test/core/credentials.test.ts',
    'test/webhooks/events.test.ts',
  ],
  'src/core/keys/signing-keys.ts': [
    'test/core/key-pairs.test.ts',
    'test/core/seal.test.ts',
    'test/core/token-caches.test.ts',
    'test/core/rekey.test.ts',
    'test/core/apps.test.ts',
    'test/core/forgotten-keys.test.ts',
    'test/core/token.test.ts',
    'test/core/key-pool.test.ts',
    'test/core/rotation.test.ts',
    inMemory,
    besideDeletion,
  ],
  'src/core/keys/signing-queue.ts': ['test/core/signing-queue.test.ts'],
  'src/core/api-keys/api-keys.ts': [
    'test/core/api-key-rules.test.ts',
    'test/core/api-keys.test.ts',
    'test/core/restricted.test.ts',
    'test/core/credentials.test.ts',
  ],
  'src/core/api-keys/secret.ts': ['test/core/api-key-secrets.test.ts', 'test/core/api-keys.test.ts'],
  'src/core/idempotency.ts': [
    'test/core/idempotency.test.ts',
    'test/core/idempotency-faults.test.ts',
    'test/core/restricted.test.ts',
    'test/core/credentials.test.ts',
    inMemory,
    brokenInMemory,
  ],
  'src/core/runtime/time-limit.ts': ['test/core/idempotency.test.ts', brokenInMemory],
  'src/core/work-unit.ts': [
    'test/core/idempotency.test.ts',
    'test/core/idempotency-faults.test.ts',
    inMemory,
    brokenInMemory,
  ],
  'src/core/transaction.ts': [
    'test/webhooks/events.test.ts',
    'test/webhooks/queue-limit.test.ts',
    'test/core/idempotency-faults.test.ts',
    'test/core/idempotency.test.ts',
    'test/core/races.test.ts',
    inMemory,
    brokenInMemory,
    besideDeletion,
  ],
  'src/core/licenses/check-token.ts': [
    'test/core/token.test.ts',
    'test/core/token-caches.test.ts',
    'test/core/verification.test.ts',
    'test/core/restricted.test.ts',
    'test/core/credentials.test.ts',
    'test/core/regeneration.test.ts',
    'test/core/hostile-tokens.test.ts',
  ],
  'src/core/licenses/issue-token.ts': [
    'test/core/token-caches.test.ts',
    'test/core/token.test.ts',
    'test/core/rotation.test.ts',
    'test/core/forgotten-keys.test.ts',
    'test/core/idempotency-faults.test.ts',
  ],
  'src/adapters/http/authenticate.ts': [
    'test/adapters/credential-forms.test.ts',
    'test/adapters/access-control.test.ts',
  ],
  'src/adapters/http/admission.ts': [
    'test/adapters/credential-forms.test.ts',
    'test/adapters/access-control.test.ts',
    'test/adapters/rate-limits.test.ts',
    'test/adapters/http-conventions.test.ts',
    'test/adapters/license-lifecycle.test.ts',
    'test/adapters/idempotency.test.ts',
  ],
  'src/adapters/http/idempotency.ts': ['test/adapters/idempotency.test.ts'],
}
