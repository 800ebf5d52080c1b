import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { apiKeySecret } from '../../src/core/api-keys/secret.ts'
import { newShop, tokenOf } from '../support/fixtures.ts'
import { testKeyPairs } from '../support/keys.ts'
import { run } from '../package/programs.ts'

/** Logs its last argument in every place of a record: in the text, in a property, in an error and in its cause. */
const program = `
import { getLogger } from '@logtape/logtape'
import { configureLog } from ${JSON.stringify(resolve('src/cli/terminal/log.ts'))}
const [format, secret] = process.argv.slice(-2)
await configureLog(format)
const logger = getLogger(['heartwood', 'test'])
const error = new Error('message before ' + secret, { cause: new Error('cause before ' + secret) })
logger.info('text before ' + secret + ' text after')
logger.error('failed: {error}, {value}', { error, value: 'value before ' + secret, nested: { secret } })
`

async function logOf(format: string, secret: string): Promise<string> {
  const { stderr } = await run(['bun', '-e', program, format, secret])
  return stderr
}

const secrets: Readonly<Record<string, () => string | Promise<string>>> = {
  'a live secret key': () => apiKeySecret('sk', 'live'),
  'a test public key': () => apiKeySecret('pk', 'test'),
  'a webhook secret': async () => {
    const { licensing } = await newShop()
    await licensing.apps.update('desktop-app', { webhookUrl: 'https://example.com/hook' })
    return (await licensing.webhooks.secret('desktop-app')).secret
  },
  'a license token': async () => tokenOf(await (await newShop()).issue()),
  'a license key': () => 'ACME-7K3QM-8Z2VT-PX9CW-41HRD-YB6NE',
  'a license key as somebody typed it': () => '7k3qm–8z2vt–px9cw–41hrd–yb6ne',
  'a private key': () => testKeyPairs[0]!.privateKeyPem,
}

/** Pieces of a secret: a log may break a text into lines. */
function piecesOf(secret: string): readonly string[] {
  const lines = secret.split('\n').filter((line) => line !== '' && !line.startsWith('-----'))
  return lines.map((line) => line.slice(-16))
}

for (const [what, make] of Object.entries(secrets))
  for (const format of ['text', 'json'])
    test(`configureLog('${format}'): a line that has ${what} by mistake goes out without it`, async () => {
      const secret = await make()
      const log = await logOf(format, secret)
      for (const piece of piecesOf(secret)) assert.equal(log.includes(piece), false, log)
      for (const kept of ['text before [redacted]', 'message before [redacted]', 'value before [redacted]'])
        assert.ok(log.includes(kept), log)
    })
