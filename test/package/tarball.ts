import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { emptyFolder, run } from './programs.ts'

/** The packages that npm publishes, by the folders of their manifests. */
const folders = { heartwood: '.', 'heartwood-client': 'packages/client' } as const

/** The name of a package that npm publishes. */
export type PackageName = keyof typeof folders

async function pack(name: PackageName): Promise<string> {
  const folder = emptyFolder()
  const options = ['--ignore-scripts', '--json', '--pack-destination', folder]
  const { stdout } = await run(['npm', 'pack', ...options, `./${folders[name]}`])
  const [packed] = JSON.parse(stdout) as readonly { readonly filename: string }[]
  return resolve(folder, packed?.filename ?? '')
}

const packed = new Map<PackageName, Promise<string>>()

/** The tarball that npm would publish. It contains `dist` as it is, because `npm test` builds first. */
export function tarball(name: PackageName = 'heartwood'): Promise<string> {
  const made = packed.get(name) ?? pack(name)
  packed.set(name, made)
  return made
}

/** Makes an empty project and installs a tarball with these options of npm. Resolves to its folder. */
export async function installInto(name: PackageName, options: readonly string[] = []): Promise<string> {
  const folder = emptyFolder()
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  const quiet = ['--no-audit', '--no-fund']
  await run(['npm', 'install', ...quiet, ...options, await tarball(name)], { cwd: folder })
  return folder
}

const installed = new Map<PackageName, Promise<string>>()

/** An empty project with the package, as a user without settings gets it. All test files share it. */
export function project(name: PackageName = 'heartwood'): Promise<string> {
  const made = installed.get(name) ?? installInto(name)
  installed.set(name, made)
  return made
}
