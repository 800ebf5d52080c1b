import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { newDelivery } from '../../src/testing/storage-cases/records.ts'
import { newTypeId } from '../../src/core/ids.ts'
import type { DeliveryRecord } from '../../src/core/index.ts'
import { emptyFolder, heartwood } from './heartwood.ts'
import { seedEnvironment as env, seededApp, seedLicensing } from './seed.ts'

const error = 'The receiver answered 500'
const license = newTypeId('lic')

/** A database with two failed deliveries and a delivered one, and the id of each. */
async function seeded(t: TestContext): Promise<{ readonly cwd: string; readonly ids: readonly string[] }> {
  const cwd = emptyFolder(t)
  const storage = await sqliteStorage({ filename: join(cwd, 'heartwood.db') })
  const licensing = await seedLicensing(storage)
  const app = await licensing.apps.create({
    ...{ name: 'App', slug: seededApp },
    webhookUrl: 'https://example.com/hook',
  })
  const ids: string[] = []
  const insert = async (given: Partial<DeliveryRecord>): Promise<void> => {
    const id = newTypeId('whd')
    ids.push(id)
    await storage.insertDelivery(
      newDelivery(app.id, { id, eventId: newTypeId('evt'), dueAt: null, ...given }),
    )
  }
  const lastAttempts = [{ attemptedAt: 1_800_000_000, status: 500, error, durationMs: 12 }]
  const failed = { state: 'failed', attempts: 10, lastStatus: 500, lastError: error, lastAttempts } as const
  await insert({ ...failed, createdAt: 1_800_000_000, licenseId: license, payload: '{"a":1}' })
  await insert({ ...failed, createdAt: 1_800_000_100 })
  await insert({ state: 'delivered', attempts: 1, lastStatus: 204 })
  await storage.close()
  return { cwd, ids }
}

test('heartwood webhooks: lists deliveries, shows one, and sends failed ones again', async (t) => {
  const { cwd, ids } = await seeded(t)
  const run = async (...words: string[]) => {
    const { code, stdout, stderr } = await heartwood(['webhooks', ...words, '--app', seededApp], { cwd, env })
    assert.deepEqual([code, stderr], [0, ''])
    return stdout
  }
  assert.equal((await run('deliveries')).trim().split('\n').length, 4)
  const failed = await run('deliveries', '--state', 'failed', '--license', license)
  assert.match(
    failed,
    new RegExp(`^ID .*\\n${ids[0]} +failed +2027-\\S+ +license.updated +10 +${error} +lic_`),
  )
  assert.equal((await run('deliveries', '--type', 'license.revoked', '--json')).trim(), '[]')
  const shown = await run('delivery', ids[0]!)
  assert.match(shown, new RegExp(`^attempt +2027-\\S+ ${error} in 12 ms$`, 'm'))
  assert.match(shown, /^body +\{"a":1\}$/m)
  const json = JSON.parse(await run('delivery', ids[0]!, '--json')) as { last_attempts: object[] }
  assert.deepEqual(json.last_attempts, [
    { attempted_at: '2027-01-15T08:00:00Z', status: 500, error, duration_ms: 12 },
  ])
  assert.match(await run('retry-failed', '--since', '2027-01-15T08:01:00Z'), /pending again: 1\.\n$/)
  assert.deepEqual(JSON.parse(await run('retry-failed', '--since', '2027-01-15T08:01:00Z', '--json')), {
    ...{ retried: 0, has_more: false },
  })
  assert.match(await run('retry', ids[0]!), /^Event evt_\w+ is pending again\.\n$/)
  assert.equal((await run('deliveries', '--state', 'pending')).trim().split('\n').length, 3)
})

test('heartwood webhooks: HEARTWOOD_WEBHOOK_QUEUE_LIMIT bounds a retry, and doctor notes a full queue', async (t) => {
  const { cwd } = await seeded(t)
  const bounded = { ...env, HEARTWOOD_WEBHOOK_QUEUE_LIMIT: '1' }
  const retry = ['webhooks', 'retry-failed', '--app', seededApp, '--since', '1970-01-01T00:00:00Z']
  const first = await heartwood(retry, { cwd, env: bounded })
  assert.match(first.stdout, /pending again: 1\. More may be left/)
  const second = await heartwood(retry, { cwd, env: bounded })
  assert.equal(second.code, 1)
  assert.match(second.stderr, /webhook_queue_full/)
  const add = ['customers', 'create', 'ada@example.com', '--app', seededApp]
  const tier = ['tiers', 'create', 'pro', '--app', seededApp, '--name', 'Pro']
  const issue = ['--customer', 'ada@example.com', '--tier', 'pro', '--forever']
  const installation = ['--installation', crypto.randomUUID()]
  for (const words of [add, tier, ['licenses', 'create', '--app', seededApp, ...issue, ...installation]])
    assert.equal((await heartwood(words, { cwd, env: bounded })).code, 0)
  const { code, stdout } = await heartwood(['doctor'], { cwd, env })
  assert.equal(code, 0)
  assert.match(stdout, /^app app_\w+ has a full webhook queue since .*webhook_queue_full.* so far: 1$/m)
})
