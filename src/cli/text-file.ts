import { readFile } from 'node:fs/promises'
import { CliError, codeOf } from './errors.ts'

/**
 * Reads a key that a person has stored, without white space around it. Windows PowerShell writes UTF-16: read as UTF-8, that
 * has a null in each character.
 *
 * @throws {CliError} that begins with `name` and the file.
 */
export async function readTextFile(name: string, file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).replace(/[\0\uFEFF\uFFFD]/g, '').trim()
  } catch (cause) {
    const code = codeOf(cause)
    const reason = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`
    throw new CliError(`${name} ${file}: ${reason}`, { cause })
  }
}
