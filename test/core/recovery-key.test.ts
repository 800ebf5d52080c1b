import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { recoveryKeyId, signWithRecoveryKey } from '../../src/core/index.ts'
import { recoveryKeys } from '../support/keys.ts'

test('signWithRecoveryKey(): refuses what is no private RSA key', async () => {
  for (const pem of ['', recoveryKeys[0]!.publicKeyPem, 'x'])
    await assert.rejects(
      signWithRecoveryKey('{}', pem),
      /^TypeError: A recovery key must be a private RSA key/,
    )
})

test('recoveryKeyId(): refuses a key whose signature no program would count', async () => {
  // Bun rounds 2,047 bits down to a multiple of 128.
  for (const options of [{ modulusLength: 1024 }, { modulusLength: 2047 }, { publicExponent: 3 }]) {
    const pair = { modulusLength: 2048, ...options }
    const pem = generateKeyPairSync('rsa', pair).privateKey.export({ type: 'pkcs8', format: 'pem' })
    await assert.rejects(recoveryKeyId(`${pem}`), /^TypeError: .* 2048 to 16384 bits and 65537 as exponent/)
  }
})
