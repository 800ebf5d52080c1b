import { toWire } from '../adapters/http/wire.ts'
import type { RekeyResult } from '../core/index.ts'
import { withExistingDatabase } from './database.ts'
import { findMasterKeys } from './master-key.ts'
import { jsonOf, type AsJson, type Output } from './terminal/output.ts'
import { progressBar } from './terminal/progress.ts'
import { CliError } from './errors.ts'
import type { CliSettings } from './settings.ts'

const nothingToReseal =
  'Every secret is already under the first master key. If it is the old one, put the new one before it.'

/** Refuses a single key: a rekey under it would change nothing and call the old key the new one. */
async function requireTwo(settings: CliSettings): Promise<void> {
  const { keys } = await findMasterKeys(settings, { create: false })
  if (keys.length > 1) return
  throw new CliError(
    'A rekey needs two master keys, separated by a comma: first the new one, then the old one',
  )
}

function summary({ keyCheck, ...resealed }: RekeyResult): string {
  const { tokenSecrets, signingKeys, webhooks, storedResponses } = resealed
  const count = Object.values(resealed).reduce((sum, one) => sum + one, 0)
  if (count === 0 && !keyCheck) return nothingToReseal
  const kinds = `${signingKeys} signing keys, ${tokenSecrets} token secrets, ${webhooks} webhooks, ${storedResponses} stored responses`
  return `Resealed ${kinds}. Now the first master key alone opens everything.`
}

/**
 * Reseals every secret under the first master key. Servers may run meanwhile. After a failure it can start again.
 *
 * @throws {CliError} @throws {LicensingError}
 */
export async function rekey(settings: CliSettings, output: Output, { json }: AsJson): Promise<void> {
  await requireTwo(settings)
  const progress = progressBar()
  const result = await withExistingDatabase(settings, ({ licensing }) =>
    licensing.rekey({ onProgress: progress.update }).finally(progress.end),
  )
  output.line(json ? jsonOf(toWire(result)) : summary(result))
}
