import { chmodSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { stagesOf, valuesOf } from './dockerfile.ts'
import { run } from './programs.ts'
import { freshClone } from './reader-folder.ts'

async function build(): Promise<string> {
  const clone = await freshClone()
  symlinkSync(resolve('node_modules'), join(clone, 'node_modules'))
  // The link stands for what the first command installs. Tests that need a registry install the package.
  const [, ...steps] = valuesOf(stagesOf('Dockerfile')[0]!, 'RUN')
  for (const step of steps) await run(['sh', '-c', step], { cwd: clone })
  // The user of the image starts the executable too.
  chmodSync(clone, 0o755)
  return clone
}

/** A warning or an error in a log of JSON. */
export const problem: RegExp = /"level":"(?:WARN|ERROR|FATAL)/

let built: Promise<string> | undefined

/** A clone in which the commands of the Dockerfile have run. All test files share it, because they take seconds. */
export function imageBuild(): Promise<string> {
  return (built ??= build())
}

/** The single executable of this checkout. Its folder holds nothing else but the licences. */
export async function executable(): Promise<string> {
  return join(await imageBuild(), 'executable', 'heartwood')
}
