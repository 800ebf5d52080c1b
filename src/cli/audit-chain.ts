import { toWire } from '../adapters/http/wire.ts'
import { auditLine } from '../core/audit-chain/canonical.ts'
import type { AuditVerification } from '../core/index.ts'
import { createLicensing } from '../core/licensing.ts'
import type { AuditCheckpointRecord, AuditEntryRecord, StorageSession } from '../core/storage/index.ts'
import { isoTime } from '../core/wire.ts'
import { toFile, type Write } from './backup/export.ts'
import { auditCheckpointsOf } from './backup/records.ts'
import { storageOf, withSnapshot } from './backup/snapshot.ts'
import { CliError } from './errors.ts'
import { findMasterKeys } from './master-key.ts'
import { shownDatabase, type CliSettings } from './settings.ts'
import { jsonOf, writeResult, type AsJson, type Output } from './terminal/output.ts'
import { readTextFile } from './text-file.ts'

const pageSize = 500

interface VerifyOptions extends AsJson {
  /** The file of a checkpoint. */
  readonly checkpoint?: string
}

function comparison({ checkpoint }: AuditVerification): readonly string[] {
  if (checkpoint === null) return []
  const { app, seq, issuedAt, state } = checkpoint
  const name = `the checkpoint of ${app}, entry ${seq}, ${isoTime(issuedAt)}`
  return state === 'pruned'
    ? [`The log no longer has entries as old as ${name}.`]
    : [`The log ${state} ${name}.`]
}

function summary(result: AuditVerification): string {
  const { verified, prunedSeq, lastSeq, unsealed } = result
  const span = verified === 0 ? '' : `, ${prunedSeq + 1} to ${lastSeq}`
  const lines = [`Verified ${verified} entries${span}.`, ...comparison(result)]
  return [...lines, `Entries that no seal protects yet: ${unsealed}.`].join('\n')
}

/**
 * Verifies the audit log as of one moment, and compares it with a checkpoint if a file of one is given. Changes nothing.
 *
 * @throws {CliError} if it finds a fault. @throws {LicensingError}
 */
export async function verifyAuditLog(
  settings: CliSettings,
  { checkpoint: file, json }: VerifyOptions,
  output: Output,
): Promise<void> {
  const checkpoint = file === undefined ? undefined : await readTextFile('Checkpoint', file)
  const { keys: masterKey } = await findMasterKeys(settings, { create: false })
  const result = await withSnapshot(settings, async (snapshot) => {
    const licensing = await createLicensing({ storage: storageOf(snapshot), masterKey })
    return licensing.audit.verify({ ...(checkpoint !== undefined && { checkpoint }) })
  })
  output.line(json ? jsonOf(toWire(result)) : summary(result))
  if (result.fault !== null) throw new CliError(result.fault.reason)
}

function checkpointLine({ token, appId, seq, mac, createdAt }: AuditCheckpointRecord): string {
  return JSON.stringify({ checkpoint: token, app_id: appId, seq, mac, created_at: createdAt })
}

async function* sealedLines(session: StorageSession): AsyncGenerator<string> {
  let page: readonly AuditEntryRecord[]
  let after: number | null = null
  do {
    page = await session.listSealedAuditEntries(after, pageSize)
    for (const entry of page) yield auditLine(entry)
    after = page.at(-1)?.seq ?? after
  } while (page.length === pageSize)
}

/** Each entry, sealed ones first and in their order; then each checkpoint. */
async function* linesOf(session: StorageSession): AsyncGenerator<string> {
  yield* sealedLines(session)
  // A snapshot has few of them: a server seals within seconds.
  const unsealed = await session.listUnsealedAuditEntries(await session.countUnsealedAuditEntries())
  for (const entry of unsealed) yield auditLine(entry)
  for await (const checkpoint of auditCheckpointsOf(session)) yield checkpointLine(checkpoint)
}

async function writeLines(session: StorageSession, write: Write): Promise<number> {
  let count = 0
  let buffer = ''
  for await (const line of linesOf(session)) {
    count++
    buffer += `${line}\n`
    if (buffer.length < 64 * 1024) continue
    await write(buffer)
    buffer = ''
  }
  await write(buffer)
  return count
}

/**
 * Writes the audit log and its checkpoints to a new file, or to standard output for `-`, as one JSON document a line. It needs
 * no master key.
 *
 * @throws {CliError} @throws {LicensingError} After a failure no file is left.
 */
export async function exportAuditLog(
  settings: CliSettings,
  file: string,
  output: Output,
  { json }: AsJson,
): Promise<void> {
  const lines = await withSnapshot(settings, ({ session }) =>
    file === '-' ? writeLines(session, writeResult) : toFile(file, (write) => writeLines(session, write)),
  )
  const tell = file === '-' ? output.note : output.line
  const name = file === '-' ? 'standard output' : file
  tell(
    json
      ? jsonOf({ file, lines })
      : `Exported the audit log of ${shownDatabase(settings.database)} to ${name}: ${lines} lines.`,
  )
}
