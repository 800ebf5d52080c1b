import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLicenseClient, type LicenseClientOptions } from '../../src/client/index.ts'
import { createTestServer } from '../../src/testing/server.ts'

const graces = [
  { grace: {}, bare: ['new_token', 'invalid_token'], follower: ['new_token', 'none'] },
  { grace: { gracePeriodDays: 30 }, bare: ['update', 'invalid_token'], follower: ['none', 'none'] },
  { grace: { compromised: true }, bare: ['new_token', 'invalid_token'], follower: ['new_token', 'none'] },
] as const

/** The action after a refresh, and then the outcome of another activation by the same license key. */
async function afterRotation(
  grace: (typeof graces)[number]['grace'],
  trust: Partial<LicenseClientOptions>,
): Promise<readonly string[]> {
  const server = await createTestServer()
  const client = await createLicenseClient({ ...(await server.clientOptions()), ...trust })
  await client.activate((await server.sell()).key)
  await server.rotateKeys(grace)
  const { state, action } = await client.refresh()
  assert.equal(state, 'active')
  const again = await client.activate().then(
    (license) => license.action,
    (error: unknown) => (error as { code: string }).code,
  )
  return [action, again]
}

for (const { grace, bare, follower: following } of graces)
  test(`refresh(): after a rotation with ${JSON.stringify(grace)} the token works on, as docs/client.md says`, async () => {
    assert.deepEqual(await afterRotation(grace, {}), bare)
    assert.deepEqual(await afterRotation(grace, { refreshKeys: { from: 'trust.json' } }), following)
  })
