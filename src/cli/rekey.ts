import { toWire } from '../adapters/http/wire.ts'
import type { RekeyResult } from '../core/index.ts'
import { withStandingDatabase } from './database.ts'
import { findMasterKeys } from './master-key.ts'
import { jsonOf, type AsJson, type Output } from './terminal/output.ts'
import { progressReported } from './terminal/progress.ts'
import { Refusal } from './refusal.ts'
import type { Settings } from './settings.ts'

const once =
  'Nothing is left to reseal: the first master key opens everything. If it is the old one, put the new one before it.'

/** With one key there is nothing to come from, so it is a mistake, and the old one would be called the new one. */
async function requireTwo(settings: Settings): Promise<void> {
  const { keys } = await findMasterKeys(settings, { make: false })
  if (keys.length > 1) return
  throw new Refusal(
    'Rekeying takes two master keys, separated by a comma: the new one first, the old one behind it',
  )
}

function told({ tokenSecrets, signingKeys, webhooks, storedResponses, keyCheck }: RekeyResult): string {
  const count = tokenSecrets + signingKeys + webhooks + storedResponses
  if (count === 0 && !keyCheck) return once
  const kinds = `${signingKeys} signing keys, ${tokenSecrets} token secrets, ${webhooks} webhooks, ${storedResponses} kept answers`
  return `Resealed ${kinds}. The first master key alone opens everything now.`
}

/**
 * Reseals everything under the first of the master keys, beside running servers if need be.
 *
 * @throws {Refusal} @throws {LicensingError} and can be begun again.
 */
export async function rekey(settings: Settings, output: Output, { json }: AsJson): Promise<void> {
  await requireTwo(settings)
  const progress = progressReported()
  const rekeyed = await withStandingDatabase(settings, ({ licensing }) =>
    licensing.rekey({ onProgress: progress.at }).finally(progress.end),
  )
  output.line(json ? jsonOf(toWire(rekeyed)) : told(rekeyed))
}
