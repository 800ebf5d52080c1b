import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { emptyFolder, heartwood, sameRuntime, startServer, whenAllIsOver } from '../cli/heartwood.ts'
import { curlCommands, documentText, placed, runCurl, type CurlAnswer } from './documents.ts'
import { lacking } from '../support/left-out.ts'
import { assertHoldsNoSecret, call, issue, makeApp, publicKey, verified } from './vendor.ts'
import type { LicenseJson, Vendor } from './vendor.ts'

const text = documentText('license-regeneration')
const commands = curlCommands(text)
const [byKey = '', byToken = '', addFeature = '', regenerate = ''] = commands

const suite = whenAllIsOver(after)
const cwd = emptyFolder(suite)
let vendor: Vendor

async function run(command: string, license?: LicenseJson, token = license?.token): Promise<CurlAnswer> {
  const { url } = vendor.server
  const places = { url, key: vendor.key, license: license?.id ?? '', token: token ?? '' }
  return runCurl(placed(command, places))
}

function dataOf(answer: CurlAnswer): LicenseJson {
  assert.equal(answer.status, 200, answer.text)
  return answer.json<{ data: LicenseJson }>().data
}

async function claimsOf(token: string | null): Promise<Readonly<Record<string, unknown>>> {
  return verified(token, await publicKey(vendor))
}

const skip = lacking('license-regeneration.txt by curl', ['curl', 'bash'])

describe('license-regeneration.txt by curl', { skip }, () => {
  before(async () => {
    const server = await startServer(suite, { cwd, way: sameRuntime })
    vendor = { server, key: server.key }
    await makeApp(vendor)
  })

  test('the document has four commands, and the one that adds a feature names no content type', () => {
    assert.equal(commands.length, 4)
    assert.doesNotMatch(addFeature, /Content-Type/i)
  })

  test('POST regenerate by API key: a new jti and iat, and all other claims stay', async () => {
    const license = await issue(vendor)
    const earlier = await claimsOf(license.token)
    await setTimeout(1100)
    const { token } = dataOf(await run(byKey, license))
    const { jti, iat, ...kept } = await claimsOf(token)
    const { jti: oldJti, iat: oldIat, ...old } = earlier
    assert.deepEqual(kept, old)
    assert.notEqual(jti, oldJti)
    assert.ok(Number(iat) > Number(oldIat))
    assert.equal(kept.aud, 'my-app')
  })

  test('POST regenerate by token: the current and the previous token both work', async () => {
    const license = await issue(vendor)
    const renewed = dataOf(await run(byToken, license))
    assert.notEqual(renewed.token, license.token)
    assert.equal((await claimsOf(renewed.token)).sub, (await claimsOf(license.token)).sub)
    assert.notEqual(dataOf(await run(byToken, license)).token, null)
  })

  test('POST regenerate: the token gets a feature that was added to the tier, before the custom features', async () => {
    const [license, special] = [
      await issue(vendor),
      await issue(vendor, { features: ['custom_integration'] }),
    ]
    assert.deepEqual(license.features, ['api_access'])
    assert.equal((await run(addFeature)).status, 201)
    const answer = dataOf(await run(regenerate, license))
    assert.deepEqual(answer.features, ['api_access', 'webhooks'])
    assert.deepEqual((await claimsOf(answer.token)).features, ['api_access', 'webhooks'])
    const united = dataOf(await run(regenerate, special))
    assert.deepEqual(united.features, ['api_access', 'webhooks', 'custom_integration'])
    assert.equal((await run(addFeature)).status, 200, 'added already')
  })

  describe('the error table', () => {
    async function assertRow(row: string, answer: CurlAnswer, status: number, code: string): Promise<void> {
      assert.equal(text.includes(row), true, 'the document has this row')
      assert.equal(answer.status, status, answer.text)
      assert.equal(answer.json<{ error: { code: string } }>().error.code, code)
    }

    test('401 Unauthorized', async () => {
      const anonymous = byKey.replace(/ \\\n.*/, '')
      const answer = await run(anonymous, await issue(vendor))
      await assertRow('401 Unauthorized No authentication provided', answer, 401, 'unauthorized')
    })

    test('400 Token Expired', async () => {
      const soon = new Date(Date.now() + 2000).toISOString()
      const license = await issue(vendor, { expires_at: soon })
      await setTimeout(2100)
      await assertRow('400 Token Expired', await run(byToken, license), 400, 'token_expired')
      const expired = dataOf(await run(byKey, license))
      assert.equal(expired.status, 'expired')
    })

    test('400 Token Mismatch', async () => {
      const [license, other] = [await issue(vendor), await issue(vendor)]
      await assertRow('400 Token Mismatch', await run(byToken, license, other.token), 400, 'token_mismatch')
    })

    test('400 License Revoked', async () => {
      const license = await issue(vendor)
      await call(vendor, ['POST', `/apps/my-app/licenses/${license.id}/revoke`, 200])
      for (const command of [byToken, byKey])
        await assertRow('400 License Revoked', await run(command, license), 400, 'license_revoked')
    })

    test('400 Missing Tier, until the license gets another tier', async () => {
      await call(vendor, ['POST', '/apps/my-app/tiers', 201], { name: 'Basic', slug: 'basic' })
      const license = await issue(vendor, { tier_id: 'basic' })
      await call(vendor, ['DELETE', '/apps/my-app/tiers/basic', 204])
      for (const command of [byToken, byKey])
        await assertRow('400 Missing Tier', await run(command, license), 400, 'missing_tier')
      await call(vendor, ['PUT', `/apps/my-app/licenses/${license.id}`, 200], { tier_id: 'pro' })
      assert.equal((await run(byKey, license)).status, 200)
    })

    test('403 Forbidden', async () => {
      const license = await issue(vendor)
      const { stdout } = await heartwood(['keys', 'create', '--type', 'pk'], { cwd })
      const command = placed(byKey, { url: vendor.server.url, key: stdout.trim(), license: license.id })
      await assertRow('403 Forbidden Used public key (pk_*)', await runCurl(command), 403, 'forbidden')
    })

    test('a malformed token: 401 as well', async () => {
      const license = await issue(vendor)
      const answer = await run(byToken, license, 'eyJhbGciOiJSUzI1NiJ9.e30.AAAA')
      await assertRow('Error Handling', answer, 401, 'invalid_token')
    })
  })

  test('the database holds no secret', () => {
    assertHoldsNoSecret(cwd, [vendor.key])
  })
})
