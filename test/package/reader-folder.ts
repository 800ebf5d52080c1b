import { cpSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { blocksOf } from '../documents/markdown.ts'
import { fileOf } from './pasted-page.ts'
import { emptyFolder, run } from './programs.ts'

/** Makes a database of the server, and the files beside it that the pages assume. */
const preparation = `
import { readFileSync, writeFileSync } from 'node:fs'
import { createLicensing } from 'heartwood'
import { sqliteStorage } from 'heartwood/storage/sqlite'

const masterKey = readFileSync('master.key', 'utf8')
writeFileSync('heartwood.key', masterKey, { mode: 0o600 })
const storage = await sqliteStorage({ filename: 'heartwood.db' })
const licensing = await createLicensing({ storage, masterKey })
const { publicKeyPem } = await licensing.apps.create({ name: 'My Desktop App', slug: 'desktop-app' })
await licensing.tiers.create('desktop-app', { name: 'Pro', slug: 'pro' })
const { id: customerId } = await licensing.customers.create('desktop-app', { email: 'ada@example.com' })
const license = { installationId: crypto.randomUUID(), customerId, tierId: 'pro', durationDays: 365 }
const { token } = await licensing.licenses.create('desktop-app', license)
writeFileSync('token.txt', token)
writeFileSync('public-key.ts', 'export const publicKeyPem = ' + JSON.stringify(publicKeyPem))
await storage.close()
`

const masterKey = Buffer.alloc(32, 7).toString('base64')

/** The packages of docs/frameworks.md and docs/selling.md. */
const others = ['hono', '@hono/node-server', 'express', '@types/express', 'fastify', 'stripe']

/** Makes a project and installs the package from the local registry. */
export async function install(env: Readonly<Record<string, string>>): Promise<string> {
  const folder = emptyFolder()
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  await run(['npm', 'install', 'heartwood', 'elysia', 'srvx', 'postgres', ...others], {
    cwd: folder,
    env,
  })
  return folder
}

/** Makes the folder of a reader who has finished part A of the README, with a database of the server if wanted. */
export async function readersFolder(project: string, withDatabase = true): Promise<string> {
  const folder = emptyFolder()
  symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'))
  const licensing = blocksOf('README.md').find((block) => fileOf(block) === 'licensing.ts')!
  const files = {
    'package.json': '{ "type": "module" }',
    'licensing.ts': licensing.code,
    'master.key': masterKey,
    'my-storage.ts': "export { memoryStorage as myStorage } from 'heartwood/storage/memory'\n",
    'prepare.ts': preparation,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  if (withDatabase) await run(['node', 'prepare.ts'], { cwd: folder })
  return folder
}

/** Makes a folder like a fresh clone of this repository. It includes uncommitted changes. */
export async function freshClone(): Promise<string> {
  const folder = emptyFolder()
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate']
  const files = (await run(['git', ...list])).stdout.split('\0').filter((file) => file !== '')
  for (const file of files) cpSync(file, join(folder, file))
  return folder
}

const strict = ['--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', '--noEmit']
const modern = [
  '--target',
  'es2024',
  '--lib',
  'es2024,dom',
  '--module',
  'nodenext',
  '--allowImportingTsExtensions',
]

/** Checks the types of programs in a folder. @throws {Error} with the output of the compiler. */
export async function checkTypes(folder: string, files: readonly string[]): Promise<void> {
  const types = ['--typeRoots', resolve('node_modules/@types'), '--types', 'node']
  if (files.length > 0) await run(['tsc', ...strict, ...modern, ...types, ...files], { cwd: folder })
}
