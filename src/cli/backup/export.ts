import { once } from 'node:events'
import { open, rm, type FileHandle } from 'node:fs/promises'
import process from 'node:process'
import { newHeader } from './export-header.ts'
import type { AsJson, Output } from '../terminal/output.ts'
import { progressOf } from '../terminal/progress.ts'
import { withReading, type Reading } from './snapshot.ts'
import { countAll, entriesOf, totalOf, type Counts } from './records.ts'
import { Refusal } from '../refusal.ts'
import { shownDatabase, type Settings } from '../settings.ts'

type Write = (text: string) => Promise<void>

const bufferLength = 64 * 1024

/** Each line is an object of one name: what it is. */
async function* linesOf({ session, keyCheck }: Reading, counts: Counts): AsyncGenerator<string> {
  yield `${JSON.stringify({ heartwood: newHeader(keyCheck, counts) })}\n`
  for await (const [kind, record] of entriesOf(session)) yield `${JSON.stringify({ [kind]: record })}\n`
}

async function writeAll(reading: Reading, write: Write): Promise<Counts> {
  const counts = await countAll(reading.session)
  const progress = progressOf(totalOf(counts))
  let buffer = ''
  for await (const line of linesOf(reading, counts)) {
    buffer += line
    progress.step()
    if (buffer.length < bufferLength) continue
    await write(buffer)
    buffer = ''
  }
  await write(buffer)
  progress.end()
  return counts
}

async function toStandardOutput(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}

async function createFile(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'wx', 0o600)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const reason = code === 'EEXIST' ? 'it is there already' : `${code}`
    throw new Refusal(`Cannot make ${file}: ${reason}`, { cause })
  }
}

/** A file that is whole and on the disk, or none. */
async function toFile(file: string, work: (write: Write) => Promise<Counts>): Promise<Counts> {
  const handle = await createFile(file)
  try {
    const counts = await work((text) => handle.writeFile(text))
    await handle.sync()
    return counts
  } catch (error) {
    await rm(file, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

function told(settings: Settings, file: string, counts: Counts): string {
  const name = shownDatabase(settings.database)
  return `Exported ${totalOf(counts)} records of ${name} to ${file}, ${counts.license} licenses among them.`
}

/**
 * Writes every record to a file, or to standard output for `-`: one JSON document a line, as of one moment, however
 * others write to the database meanwhile. Secrets stay sealed, so the master key is not needed.
 *
 * @throws {Refusal} @throws {LicensingError} and leaves no file.
 */
export async function exportRecords(
  settings: Settings,
  file: string,
  output: Output,
  { json }: AsJson,
): Promise<void> {
  if (file === '-') {
    const counts = await withReading(settings, (reading) => writeAll(reading, toStandardOutput))
    return output.note(json ? JSON.stringify({ file, counts }) : told(settings, 'standard output', counts))
  }
  const counts = await withReading(settings, (reading) => toFile(file, (write) => writeAll(reading, write)))
  output.line(json ? JSON.stringify({ file, counts }, null, 2) : told(settings, file, counts))
}
