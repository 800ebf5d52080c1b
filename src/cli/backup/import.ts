import { createReadStream } from 'node:fs'
import process from 'node:process'
import { LicensingError } from '../../core/errors.ts'
import type { StorageSession } from '../../core/storage/index.ts'
import { requireKeys, withDatabase } from '../database.ts'
import { checkRecords } from '../doctor/checks.ts'
import { explainRules } from '../terminal/explain.ts'
import { readHeader, type ExportHeader } from './export-header.ts'
import { Importer, type ImportOptions } from './importer.ts'
import { linesOf, type Line } from './lines.ts'
import { findMasterKeys } from '../master-key.ts'
import { jsonOf, type Output } from '../terminal/output.ts'
import { progressBar } from '../terminal/progress.ts'
import { kinds, totalOf, type Counts } from './records.ts'
import { CliError } from '../errors.ts'
import { shownDatabase, type CliSettings } from '../settings.ts'

interface Options extends ImportOptions {
  readonly json: boolean
}

interface Source {
  readonly header: ExportHeader
  /** The lines after the header. */
  readonly lines: AsyncGenerator<Line>
}

function bytesOf(file: string): AsyncIterable<Uint8Array> {
  return (file === '-' ? process.stdin : createReadStream(file)) as AsyncIterable<Uint8Array>
}

async function* readBytes(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* bytesOf(file)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw code === undefined ? cause : new CliError(`Cannot read ${file} (${code})`, { cause })
  }
}

function parseHeader(text: string): ExportHeader {
  try {
    return readHeader((JSON.parse(text) as { heartwood?: unknown } | null)?.heartwood)
  } catch (cause) {
    const rules = cause instanceof LicensingError ? `: ${explainRules(cause)}` : ''
    throw new CliError(`Line 1 is not the header of an export${rules}`, { cause })
  }
}

async function openSource(file: string): Promise<Source> {
  const lines = linesOf(readBytes(file))
  const first = await lines.next()
  if (first.done === true) throw new CliError('There are no records to import: the input is empty')
  return { header: parseHeader(first.value.text), lines }
}

async function requireEmpty(session: StorageSession, settings: CliSettings): Promise<void> {
  const counts = [session.countApps({}), session.countApiKeys({}), session.countAuditEntries({})]
  if ((await Promise.all(counts)).every((count) => count === 0)) return
  const name = shownDatabase(settings.database)
  throw new CliError(
    `${name} already holds apps, API keys or an audit log: an import needs an empty database`,
  )
}

function requireComplete(found: Counts, { counts }: ExportHeader): void {
  const kind = kinds.find((kind) => found[kind] !== counts[kind])
  if (kind === undefined) return
  throw new CliError(
    `The export is incomplete: its header counts ${counts[kind]} records of kind ${kind}, but it holds ${found[kind]}`,
  )
}

async function requireNoFindings(
  session: StorageSession,
  header: ExportHeader,
  masterKey: readonly string[],
) {
  const { findings } = await checkRecords({ session, keyCheck: header.keyCheck }, masterKey)
  const [first] = findings
  if (first === undefined) return
  throw new CliError(
    `Problems found in the export: ${findings.length}. The first: ${first.where} ${first.what}`,
  )
}

async function importLines(
  session: StorageSession,
  { header, lines }: Source,
  options: ImportOptions,
): Promise<void> {
  const importer = new Importer(session, options, header.format)
  const total = totalOf(header.counts)
  const progress = progressBar()
  let read = 0
  for await (const line of lines) {
    await importer.add(line)
    progress.update(++read, total)
  }
  await importer.finish()
  progress.end()
  requireComplete(importer.counts, header)
}

/** Stores the check record of the export, because its key sealed the records: it need not be this command's first key. */
async function adoptKeyCheck(session: StorageSession, { keyCheck }: ExportHeader): Promise<void> {
  const existing = await session.claimKeyCheck(keyCheck)
  if (existing !== keyCheck) await session.reseal({ kind: 'keyCheck' }, existing, keyCheck)
}

/** Refuses a second run: a storage repeats an undone transaction, but the stream of lines is already consumed. */
function onlyOnce<T>(work: (session: StorageSession) => Promise<T>): (session: StorageSession) => Promise<T> {
  let isBegun = false
  return (session) => {
    if (isBegun) throw new CliError('Other work on the database interrupted the import: try again')
    isBegun = true
    return work(session)
  }
}

/**
 * Imports an export into an empty database, all of it or nothing. For `-` it reads the export from standard input. One
 * transaction writes every record and then runs the checks of `heartwood doctor`.
 *
 * @throws {CliError}
 * @throws {LicensingError} `master_key`, before it writes anything, if another master key sealed the export.
 */
export async function importRecords(
  settings: CliSettings,
  file: string,
  output: Output,
  options: Options,
): Promise<void> {
  const source = await openSource(file)
  const masterKeys = await findMasterKeys(settings, { create: false })
  const { keys } = masterKeys
  await requireKeys(source.header.keyCheck, keys)
  await withDatabase(
    settings,
    ({ storage }) =>
      storage.transaction(
        onlyOnce(async (session) => {
          await adoptKeyCheck(session, source.header)
          await requireEmpty(session, settings)
          await importLines(session, source, options)
          await requireNoFindings(session, source.header, keys)
        }),
        { alone: true },
      ),
    { masterKeys, announce: output.note },
  )
  const { counts } = source.header
  const name = shownDatabase(settings.database)
  const summary = `Imported ${totalOf(counts)} records into ${name}, including ${counts.license} licenses.`
  output.line(options.json ? jsonOf({ counts }) : summary)
}
