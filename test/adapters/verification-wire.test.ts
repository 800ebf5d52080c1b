import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toWire } from '../../src/adapters/http/wire.ts'
import { verificationToWire } from '../../src/adapters/routes/verification.ts'
import type { TokenVerification } from '../../src/core/licenses/verify.ts'

const good: TokenVerification = {
  valid: true,
  status: 'active',
  tier: 'pro',
  features: ['export'],
  limits: { max_projects: 3, createdAt: 1 },
  expiresAt: 1_800_000_000,
  updatesUntil: 1_700_000_000,
  installationId: 'a1b2c3d4-e5f6-4a7b-8c9d-000000000001',
  superseded: true,
  code: null,
  reason: 'The license is active',
}

const { superseded: _superseded, ...newest } = good
const { code: _code, reason: _reason, ...byRecord } = good

const cases: Readonly<Record<string, Partial<TokenVerification>>> = {
  'every field': good,
  'the newest token': newest,
  'a record': byRecord,
  'no end': { ...good, expiresAt: null, updatesUntil: null },
  'the first second of 1970': { ...good, expiresAt: 0 },
  'no license': { valid: false, code: 'invalid_token', reason: 'The token is not valid' },
}

for (const [name, verification] of Object.entries(cases))
  test(`the names of a verification in JSON are those of every other record: ${name}`, () => {
    assert.equal(JSON.stringify(verificationToWire(verification)), JSON.stringify(toWire(verification)))
  })
