import { LicensingError } from '../../core/errors.ts'
import { requireKeys } from '../database.ts'
import { checkRecords, type CheckReport, type Finding } from './checks.ts'
import { findMasterKeys } from '../master-key.ts'
import { printable } from '../terminal/columns.ts'
import { jsonOf, type AsJson, type Output } from '../terminal/output.ts'
import { withSnapshot, type Snapshot } from '../backup/snapshot.ts'
import { noCounts, totalOf } from '../backup/records.ts'
import { CliError } from '../errors.ts'
import { shownDatabase, type CliSettings } from '../settings.ts'

async function isMasterKey(keyCheck: string, masterKey: readonly string[]): Promise<boolean> {
  return requireKeys(keyCheck, masterKey).then(
    () => true,
    (error: unknown) => {
      if (error instanceof LicensingError && error.code === 'master_key') return false
      throw error
    },
  )
}

const wrongKey: Finding = { where: 'master key', what: 'is not the one that this database was sealed with' }

/** Skips the records if the master key is wrong: every secret would fail for the same reason. */
async function checkDatabase(snapshot: Snapshot, masterKey: readonly string[]): Promise<CheckReport> {
  const ofFile = (await snapshot.faults()).map((what) => ({ where: 'database file', what }))
  if (!(await isMasterKey(snapshot.keyCheck, masterKey)))
    return { checked: noCounts(), findings: [...ofFile, wrongKey], notes: [] }
  const { findings, ...report } = await checkRecords(snapshot, masterKey)
  return { ...report, findings: [...ofFile, ...findings] }
}

function summary({ checked, findings, notes }: CheckReport): string {
  const lines = [...notes, ...findings].map(({ where, what }) => printable(`${where} ${what}`))
  const last = `Checked ${totalOf(checked)} records, including ${checked.license} licenses. Problems found: ${findings.length}.`
  return [...lines, last].join('\n')
}

/**
 * Opens every sealed secret and checks every record, as of one moment. Changes nothing.
 *
 * @throws {CliError} if it finds a problem.
 */
export async function doctor(settings: CliSettings, output: Output, { json }: AsJson): Promise<void> {
  const report = await withSnapshot(settings, async (snapshot) => {
    const { keys } = await findMasterKeys(settings, { create: false })
    return checkDatabase(snapshot, keys)
  })
  const { findings } = report
  output.line(json ? jsonOf({ ok: findings.length === 0, ...report }) : summary(report))
  if (findings.length > 0)
    throw new CliError(`Problems found in ${shownDatabase(settings.database)}: ${findings.length}`)
}
