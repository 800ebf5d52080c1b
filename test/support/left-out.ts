import { spawnSync } from 'node:child_process'
import { accessSync, appendFileSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'

/** `npm test` names a file in this variable, and prints its lines at the end. */
export const leftOutVariable = 'HEARTWOOD_LEFT_OUT'

/**
 * Says that tests are left out because this machine lacks something. Returns the text for `skip`.
 *
 * @throws {Error} on CI, where nothing may be left out.
 */
export function leaveOut(tests: string, reason: string): string {
  if (process.env['CI'] !== undefined) throw new Error(reason)
  const line = `${tests}: ${reason}`
  const file = process.env[leftOutVariable]
  if (file === undefined) console.error(`Left out: ${line}`)
  else appendFileSync(file, `${line}\n`)
  return reason
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The first program of one of these names on the PATH that runs with these arguments, because a machine may have several. */
export function findProgram(
  names: readonly string[],
  args: readonly string[] = ['--version'],
): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const paths = names.flatMap((name) => folders.map((folder) => join(folder, name))).filter(isExecutable)
  return paths.find((path) => spawnSync(path, args, { stdio: 'ignore' }).status === 0)
}

/** For `test`'s `skip`: false, or the programs that this machine lacks. @throws {Error} on CI. */
export function lacking(tests: string, programs: readonly string[]): string | false {
  const missing = programs.filter((program) => findProgram([program]) === undefined)
  return missing.length === 0 ? false : leaveOut(tests, `no ${missing.join(' and no ')} on the PATH`)
}

/** A Python that has the packages of the product document's client. Debian's is often a later one on the PATH. */
export const python: string | undefined = findProgram(
  ['python3'],
  ['-c', 'import requests, jwt, cryptography'],
)

/** For `test`'s `skip`: false, or the cause. @throws {Error} on CI. */
export function lackingPython(tests: string): string | false {
  const reason = 'no python3 with requests, PyJWT and cryptography (Debian: python3-requests, python3-jwt)'
  return python === undefined ? leaveOut(tests, reason) : false
}
