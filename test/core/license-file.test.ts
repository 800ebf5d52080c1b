import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TrustFile } from '../../src/core/index.ts'
import { codeOf, day, newShop } from '../support/fixtures.ts'
import { claimsOf, verifyOffline } from '../support/tokens.ts'

const slug = 'desktop-app'

interface LicenseFile {
  readonly v: number
  readonly token: string
  readonly trust: TrustFile
}

function readFile(text: string): LicenseFile {
  const [first, ...rest] = text.split('\n')
  const [empty, last, ...lines] = rest.toReversed()
  assert.deepEqual(
    [first, last, empty],
    ['-----BEGIN HEARTWOOD LICENSE-----', '-----END HEARTWOOD LICENSE-----', ''],
  )
  assert.ok(lines.every((line) => line.length <= 64))
  return JSON.parse(Buffer.from(lines.toReversed().join(''), 'base64').toString()) as LicenseFile
}

test('licenses.file(): holds the token and the statements', async () => {
  const { licensing, issue } = await newShop()
  const { id } = await issue()
  await licensing.rotateKeys(slug)
  const { v, token, trust } = readFile(await licensing.licenses.file(slug, id))
  assert.deepEqual([v, trust], [1, await licensing.apps.trust(slug)])
  assert.equal(token, await licensing.licenses.token(slug, id))
  await verifyOffline(token, await licensing.apps.publicKey(slug))
  assert.equal(claimsOf(token).aud, slug)
})

test('licenses.file(): leaves the oldest statements out if the file would be longer than 256 KiB', async () => {
  const { licensing, storage, app, issue } = await newShop()
  const { id } = await issue()
  await licensing.rotateKeys(slug)
  const [first] = await storage.listKeyStatements(app.id)
  for (let seq = 3; seq < 103; seq++) await storage.insertKeyStatement({ ...first!, seq })
  const text = await licensing.licenses.file(slug, id)
  const { trust } = readFile(text)
  assert.ok(text.length <= 256 * 1024 && text.length > 250 * 1024, `${text.length}`)
  const { statements } = await licensing.apps.trust(slug)
  const kept = trust.statements.length
  assert.deepEqual(trust.statements, statements.slice(-kept))
  const next = JSON.stringify(statements.at(-kept - 1)).length
  assert.ok(text.length + (next * 4) / 3 > 256 * 1024, 'one more would not fit')
})

test('licenses.file(): refuses a license that has no token', async () => {
  const { licensing, clock, issue } = await newShop()
  const [revoked, expired] = [await issue(), await issue({ durationDays: 1 })]
  await licensing.licenses.revoke(slug, revoked.id)
  clock.seconds += day
  const codes = [revoked.id, expired.id, 'lic_x'].map((id) => codeOf(licensing.licenses.file(slug, id)))
  assert.deepEqual(await Promise.all(codes), ['license_revoked', 'token_expired', 'not_found'])
})
