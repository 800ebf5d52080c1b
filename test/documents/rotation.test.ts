import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { emptyFolder, sameRuntime, startServer } from '../cli/heartwood.ts'
import { assertHoldsNoSecret, call, issue, makeApp, publicKey, verified } from './vendor.ts'
import type { LicenseJson, Vendor } from './vendor.ts'

function licensePath({ id }: LicenseJson, action = ''): string {
  return `/apps/my-app/licenses/${id}${action}`
}

async function assertUnderKey(vendor: Vendor, licenses: readonly LicenseJson[], pem: string): Promise<void> {
  for (const license of licenses) {
    const { token } = await call<LicenseJson>(vendor, ['GET', licensePath(license), 200])
    assert.equal((await verified(token, pem)).tier, 'pro')
  }
}

test('POST /apps/:slug/rotate-keys: every active license has a token under the new key, also after a restart', async (t) => {
  const cwd = emptyFolder(t)
  const server = await startServer(t, { cwd, way: sameRuntime })
  let vendor: Vendor = { server, key: server.key }
  await makeApp(vendor)
  const expired = await issue(vendor, { expires_at: new Date(Date.now() + 2000).toISOString() })
  const active = [await issue(vendor), await issue(vendor), await issue(vendor, { features: ['extra'] })]
  const revoked = await issue(vendor)
  await call(vendor, ['POST', licensePath(revoked, '/revoke'), 200])
  const oldPem = await publicKey(vendor)
  await assertUnderKey(vendor, active, oldPem)
  await setTimeout(2100)

  const rotation = await call<{ licenses_resigned: number; public_key_pem: string }>(vendor, [
    'POST',
    '/apps/my-app/rotate-keys',
    200,
  ])
  assert.equal(rotation.licenses_resigned, active.length)
  const newPem = rotation.public_key_pem
  assert.notEqual(newPem, oldPem)
  await assertUnderKey(vendor, active, newPem)

  for (const { id, token } of active) {
    await assert.rejects(verified(token, newPem))
    const verdict = await call<{ valid: boolean; code: string }>(
      vendor,
      ['POST', '/apps/my-app/licenses/verify', 200],
      { token },
    )
    assert.deepEqual([verdict.valid, verdict.code], [false, 'invalid_token'])
    const renewal = await fetch(`${vendor.server.url}/api/v1/apps/my-app/licenses/${id}/regenerate`, {
      method: 'POST',
      body: JSON.stringify({ current_token: token }),
      headers: { 'content-type': 'application/json' },
    })
    assert.equal(renewal.status, 401)
    assert.equal(((await renewal.json()) as { error: { code: string } }).error.code, 'invalid_token')
  }
  for (const license of [expired, revoked])
    assert.equal((await call<LicenseJson>(vendor, ['GET', licensePath(license), 200])).token, null)

  assertHoldsNoSecret(cwd, [vendor.key])
  assert.equal((await vendor.server.stop()).code, 0)
  assertHoldsNoSecret(cwd, [vendor.key])

  const again = await startServer(t, { cwd, way: sameRuntime })
  assert.equal(again.key, null)
  vendor = { server: again, key: server.key }
  assert.equal(await publicKey(vendor), newPem)
  await assertUnderKey(vendor, active, newPem)
  assert.equal((await again.stop()).code, 0)
})
