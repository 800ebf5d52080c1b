import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { emptyFolder, run } from './programs.ts'

async function compile(): Promise<string> {
  const folder = emptyFolder()
  // The user of the image starts it too.
  chmodSync(folder, 0o755)
  await run(['node', 'scripts/executable.mjs', `--out=${folder}`])
  return join(folder, 'heartwood')
}

/** A warning or an error in a log of JSON. */
export const problem: RegExp = /"level":"(?:WARN|ERROR|FATAL)/

let compiled: Promise<string> | undefined

/** The single executable of this checkout. All test files share it. Its folder holds nothing else but the licences. */
export function executable(): Promise<string> {
  return (compiled ??= compile())
}
