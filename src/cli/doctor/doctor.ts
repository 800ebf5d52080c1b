import { LicensingError } from '../../core/errors.ts'
import { requireKeys } from '../database.ts'
import { examine, type Examination, type Finding } from './checks.ts'
import { findMasterKeys } from '../master-key.ts'
import type { AsJson, Output } from '../terminal/output.ts'
import { withReading, type Reading } from '../backup/snapshot.ts'
import { noCounts, totalOf } from '../backup/records.ts'
import { Refusal } from '../refusal.ts'
import { shownDatabase, type Settings } from '../settings.ts'

async function doesOpen(keyCheck: string, masterKey: readonly string[]): Promise<boolean> {
  return requireKeys(keyCheck, masterKey).then(
    () => true,
    (error: unknown) => {
      if (error instanceof LicensingError && error.code === 'master_key') return false
      throw error
    },
  )
}

const wrongKey: Finding = { where: 'master key', what: 'is not the one that this database was sealed with' }

/** With the wrong key nothing opens, and every word on that would be one too many. */
async function diagnose(reading: Reading, masterKey: readonly string[]): Promise<Examination> {
  const ofFile = (await reading.faults()).map((what) => ({ where: 'database file', what }))
  if (!(await doesOpen(reading.keyCheck, masterKey)))
    return { checked: noCounts(), findings: [...ofFile, wrongKey] }
  const { checked, findings } = await examine(reading, masterKey)
  return { checked, findings: [...ofFile, ...findings] }
}

function told({ checked, findings }: Examination): string {
  const lines = findings.map(({ where, what }) => `${where} ${what}`)
  const all = totalOf(checked)
  const last = `Examined ${all} records, ${checked.license} licenses among them: ${findings.length || 'nothing'} found.`
  return [...lines, last].join('\n')
}

/**
 * Opens every sealed key and holds every record against its rules, as of one moment. Changes nothing.
 *
 * @throws {Refusal} when something is found.
 */
export async function doctor(settings: Settings, output: Output, { json }: AsJson): Promise<void> {
  const examination = await withReading(settings, async (reading) => {
    const { keys } = await findMasterKeys(settings, { make: false })
    return diagnose(reading, keys)
  })
  const { findings } = examination
  output.line(
    json ? JSON.stringify({ ok: findings.length === 0, ...examination }, null, 2) : told(examination),
  )
  if (findings.length > 0)
    throw new Refusal(`${shownDatabase(settings.database)} is not sound: ${findings.length} found`)
}
