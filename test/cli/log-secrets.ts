import { getLogger } from '@logtape/logtape'
import process from 'node:process'
import { configureLog } from '../../src/cli/terminal/log.ts'
import type { LogFormat } from '../../src/cli/settings.ts'

const secrets = [
  `sk_live_canary${'a'.repeat(30)}`,
  `pk_test_canary${'a'.repeat(30)}`,
  'whsec_canary+/=',
  'eyJcanary.canary.canary',
  '-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----',
  'postgres://user:canary@host/name?password=canary',
]

await configureLog(process.argv[2] as LogFormat)
const logger = getLogger(['heartwood', 'test'])
for (const secret of secrets) {
  logger.error('A text {text}', { text: `\u001B[2Jvisible ${secret}` })
  logger.error('An error {error}', { error: new Error(`visible\u009B ${secret}`) })
}
