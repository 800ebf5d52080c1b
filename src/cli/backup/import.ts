import { createReadStream } from 'node:fs'
import process from 'node:process'
import { LicensingError } from '../../core/errors.ts'
import type { StorageSession } from '../../core/storage/index.ts'
import { requireKeys, withDatabase } from '../database.ts'
import { examine } from '../doctor/checks.ts'
import { explainRules } from '../terminal/explain.ts'
import { headerShape, type ExportHeader } from './export-header.ts'
import { Importer, type ImportOptions } from './importer.ts'
import { linesOf, type Line } from './lines.ts'
import { findMasterKeys } from '../master-key.ts'
import type { Output } from '../terminal/output.ts'
import { progressOf } from '../terminal/progress.ts'
import { kinds, totalOf, type Counts } from './records.ts'
import { Refusal } from '../refusal.ts'
import { shownDatabase, type Settings } from '../settings.ts'

interface Options extends ImportOptions {
  readonly json: boolean
}

interface Source {
  readonly header: ExportHeader
  /** What follows the header. */
  readonly lines: AsyncGenerator<Line>
}

function bytesOf(file: string): AsyncIterable<Uint8Array> {
  return (file === '-' ? process.stdin : createReadStream(file)) as AsyncIterable<Uint8Array>
}

async function* readable(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* bytesOf(file)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw code === undefined ? cause : new Refusal(`Cannot read ${file} (${code})`, { cause })
  }
}

function parseHeader(text: string): ExportHeader {
  try {
    return headerShape.parse((JSON.parse(text) as { heartwood?: unknown } | null)?.heartwood)
  } catch (cause) {
    const rules = cause instanceof LicensingError ? `: ${explainRules(cause)}` : ''
    throw new Refusal(`Line 1 is not the first of an export${rules}`, { cause })
  }
}

async function openSource(file: string): Promise<Source> {
  const lines = linesOf(readable(file))
  const first = await lines.next()
  if (first.done === true) throw new Refusal('There is nothing to import: the input is empty')
  return { header: parseHeader(first.value.text), lines }
}

async function requireEmpty(session: StorageSession, settings: Settings): Promise<void> {
  if ((await session.countApps({})) + (await session.countApiKeys({})) === 0) return
  const name = shownDatabase(settings.database)
  throw new Refusal(`${name} holds apps or API keys already: an import needs an empty database`)
}

function requireWhole(found: Counts, { counts }: ExportHeader): void {
  const cut = kinds.find((kind) => found[kind] !== counts[kind])
  if (cut === undefined) return
  throw new Refusal(
    `The export is not whole: its first line counts ${counts[cut]} of ${cut}, and ${found[cut]} are there`,
  )
}

async function requireSound(session: StorageSession, header: ExportHeader, masterKey: readonly string[]) {
  const { findings } = await examine({ session, keyCheck: header.keyCheck }, masterKey)
  const [first] = findings
  if (first === undefined) return
  throw new Refusal(`The export is not sound, in ${findings.length} places. ${first.where}: ${first.what}`)
}

async function fill(
  session: StorageSession,
  { header, lines }: Source,
  options: ImportOptions,
): Promise<void> {
  const importer = new Importer(session, options)
  const progress = progressOf(totalOf(header.counts))
  for await (const line of lines) {
    await importer.take(line)
    progress.step()
  }
  await importer.finish()
  progress.end()
  requireWhole(importer.counts, header)
}

/** A database needs the key that its records were sealed under, whichever comes first among those of this command. */
async function adoptKeyCheck(session: StorageSession, { keyCheck }: ExportHeader): Promise<void> {
  const standing = await session.claimKeyCheck(keyCheck)
  if (standing !== keyCheck) await session.reseal({ kind: 'keyCheck' }, standing, keyCheck)
}

/** Work that reads from a stream cannot be run again, as a storage does with what the database undid. */
function onlyOnce<T>(work: (session: StorageSession) => Promise<T>): (session: StorageSession) => Promise<T> {
  let isBegun = false
  return (session) => {
    if (isBegun)
      throw new Refusal('Other work on the database came in between: nothing is imported, try again')
    isBegun = true
    return work(session)
  }
}

/**
 * Reads an export, from standard input for `-`, into an empty database: all of it or nothing, in one transaction, at the
 * end of which everything is examined as `heartwood doctor` does.
 *
 * @throws {Refusal} @throws {LicensingError} `master_key` before anything is written when the export is of another one.
 */
export async function importRecords(
  settings: Settings,
  file: string,
  output: Output,
  options: Options,
): Promise<void> {
  const source = await openSource(file)
  const { keys } = await findMasterKeys(settings, { make: false })
  await requireKeys(source.header.keyCheck, keys)
  await withDatabase(settings, ({ storage }) =>
    storage.transaction(
      onlyOnce(async (session) => {
        await adoptKeyCheck(session, source.header)
        await requireEmpty(session, settings)
        await fill(session, source, options)
        await requireSound(session, source.header, keys)
      }),
    ),
  )
  const { counts } = source.header
  const told = `Imported ${totalOf(counts)} records into ${shownDatabase(settings.database)}, ${counts.license} licenses among them.`
  output.line(options.json ? JSON.stringify({ counts }, null, 2) : told)
}
