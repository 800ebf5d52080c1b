import { join } from 'node:path'
import process from 'node:process'
import { emptyFolder, run } from './programs.ts'

/** The oldest Node that docs/client.md promises to a bundle and to heartwood-client. */
export const oldest = '20.0.0'

async function install(): Promise<string> {
  const folder = emptyFolder()
  const system = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${system}-${process.arch}`
  await run(['npm', 'install', '--no-audit', '--no-fund', '--prefix', folder, `${name}@${oldest}`])
  return join(folder, 'node_modules', name, 'bin', 'node')
}

let installed: Promise<string> | undefined

/** Gets the binary from npm, as all runtimes come. It is no dependency: Deno reads no alias in a lock file of npm. */
export function oldNode(): Promise<string> {
  return (installed ??= install())
}
