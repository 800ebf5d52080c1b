import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Licensing, NewApiKey, Scope, Storage } from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { masterKey, newShop } from '../support/fixtures.ts'
import {
  createLicensing as createLicensingOf010,
  licensingServer as licensingServerOf010,
} from '../vectors/own/test-server-0.1.0.js'

/** Each would be an all-powerful or an all-reading key to a version that does not know scopes. */
const scoped: readonly NewApiKey[] = [
  { scopes: ['license_keys:write'] },
  { scopes: ['keys:write'] },
  { preset: 'support', app: 'desktop-app' },
  { preset: 'auditor' },
]

const asked = [
  ['GET', '/apps'],
  ['GET', '/apps/desktop-app/customers'],
  ['GET', '/api-keys'],
  ['POST', '/api-keys'],
  ['POST', '/apps/desktop-app/rotate-keys'],
] as const

/** Calls the HTTP API of 0.1.0. Resolves to the status. */
async function statusOf(licensing: Licensing, secret: string, method: string, path: string): Promise<number> {
  const request = new Request(`http://localhost/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${secret}` },
  })
  return (await licensingServerOf010(licensing).handle(request)).status
}

async function shareStorage(storage: Storage): Promise<void> {
  const { licensing } = await newShop({ storage })
  const old = await createLicensingOf010({ storage, masterKey })
  for (const rights of scoped) {
    const made = await licensing.apiKeys.create(rights)
    assert.equal(await old.apiKeys.authenticate(made.secret), null)
    for (const [method, path] of asked)
      assert.equal(await statusOf(old, made.secret, method, path), 401, `${method} ${path}`)
    // An operator rolls the key on a server of 0.1.0, which would give its successor no scopes.
    const rolled = await old.apiKeys.roll(made.id, { overlapSeconds: 60 })
    for (const each of [old, licensing]) assert.equal(await each.apiKeys.authenticate(rolled.secret), null)
    assert.notEqual(await licensing.apiKeys.authenticate(made.secret), null)
    await old.apiKeys.revoke(made.id)
    assert.equal(await licensing.apiKeys.authenticate(made.secret), null)
  }
  const listed = (await licensing.apiKeys.list({ perPage: 100 })).data
  assert.ok(
    listed.every(({ scopes }) => scopes !== null),
    'no key has become one without scopes',
  )
  for (const rights of [{}, { type: 'pk' }] as const) {
    const { secret } = await licensing.apiKeys.create(rights)
    assert.equal((await old.apiKeys.authenticate(secret))?.type, rights.type ?? 'sk')
    const { secret: byOld } = await old.apiKeys.create(rights)
    const none: readonly Scope[] | null = null
    assert.equal((await licensing.apiKeys.authenticate(byOld))?.scopes, none)
  }
}

test('a server of 0.1.0 on the same memory storage refuses a scoped key, and takes the others', async () => {
  await shareStorage(memoryStorage())
})

test('a server of 0.1.0 on the same SQLite database refuses a scoped key, and takes the others', async () => {
  const storage = await sqliteStorage({ filename: ':memory:' })
  await shareStorage(storage)
  await storage.close()
})
