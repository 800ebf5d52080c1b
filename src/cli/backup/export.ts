import { existsSync } from 'node:fs'
import { newHeader } from './export-header.ts'
import { jsonOf, writeResult, type AsJson, type Output } from '../terminal/output.ts'
import { progressBar } from '../terminal/progress.ts'
import { withSnapshot, type Snapshot } from './snapshot.ts'
import { countAll, entriesOf, totalOf, type Counts } from './records.ts'
import { cannotCreate } from '../errors.ts'
import { writeNewFile } from '../new-file.ts'
import { shownDatabase, type CliSettings } from '../settings.ts'

export type Write = (text: string) => Promise<void>

const bufferLength = 64 * 1024

/** The header, then one line a record: an object whose only key is the kind of the record. */
async function* linesOf({ session, keyCheck }: Snapshot, counts: Counts): AsyncGenerator<string> {
  yield `${JSON.stringify({ heartwood: newHeader(keyCheck, counts) })}\n`
  for await (const [kind, record] of entriesOf(session)) yield `${JSON.stringify({ [kind]: record })}\n`
}

async function writeAll(snapshot: Snapshot, write: Write): Promise<Counts> {
  const counts = await countAll(snapshot.session)
  const total = totalOf(counts)
  const progress = progressBar()
  let buffer = ''
  let written = 0
  for await (const line of linesOf(snapshot, counts)) {
    buffer += line
    progress.update(++written, total)
    if (buffer.length < bufferLength) continue
    await write(buffer)
    buffer = ''
  }
  await write(buffer)
  progress.end()
  return counts
}

/** Writes the file completely, or not at all. */
export async function toFile<T>(file: string, work: (write: Write) => Promise<T>): Promise<T> {
  if (existsSync(file)) throw cannotCreate(file, { code: 'EEXIST' })
  try {
    return await writeNewFile(file, (handle) => work((text) => handle.writeFile(text)))
  } catch (error) {
    throw (error as NodeJS.ErrnoException).syscall === undefined ? error : cannotCreate(file, error)
  }
}

function summary(settings: CliSettings, file: string, counts: Counts): string {
  const name = shownDatabase(settings.database)
  return `Exported ${totalOf(counts)} records of ${name} to ${file}, including ${counts.license} licenses.`
}

/**
 * Writes every record to a file, or to standard output for `-`, as one JSON document a line. The records are those of one
 * moment, even if others write to the database meanwhile. Secrets stay sealed, so it needs no master key.
 *
 * @throws {CliError} @throws {LicensingError} After a failure no file is left.
 */
export async function exportRecords(
  settings: CliSettings,
  file: string,
  output: Output,
  { json }: AsJson,
): Promise<void> {
  if (file === '-') {
    const counts = await withSnapshot(settings, (snapshot) => writeAll(snapshot, writeResult))
    return output.note(json ? jsonOf({ file, counts }, 0) : summary(settings, 'standard output', counts))
  }
  const counts = await withSnapshot(settings, (snapshot) =>
    toFile(file, (write) => writeAll(snapshot, write)),
  )
  output.line(json ? jsonOf({ file, counts }) : summary(settings, file, counts))
}
