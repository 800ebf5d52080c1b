import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import manifest from '../../package.json' with { type: 'json' }
import jsr from '../../packages/client/jsr.json' with { type: 'json' }
import clientManifest from '../../packages/client/package.json' with { type: 'json' }
import { createTestServer } from '../../src/testing/server.ts'
import { blocksOf } from '../documents/markdown.ts'
import { lacking } from '../support/left-out.ts'
import { importsOf, packageOf, sourceFiles } from './imports.ts'
import { publishToLocalJsr } from './local-jsr.ts'
import { oldNode } from './old-node.ts'
import { emptyFolder, run, runtimes, type Runtime } from './programs.ts'
import { project, tarball } from './tarball.ts'

const page = 'packages/client/README.md'
const folder = 'packages/client'

/** The program of the README, in a folder with a key and an issued token. Resolves to the token. */
async function writeProgram(into: string, rename = (code: string): string => code): Promise<string> {
  const server = await createTestServer({ features: ['export'], start: Date.now() })
  const { token } = await server.issue()
  const { publicKeyPem } = await server.licensing.apps.get(server.app)
  const [block] = blocksOf(page).filter(({ language }) => language === 'ts')
  writeFileSync(join(into, 'public-key.ts'), `export const publicKeyPem = ${JSON.stringify(publicKeyPem)}\n`)
  writeFileSync(join(into, 'program.ts'), rename(block!.code))
  return token
}

const skip = lacking('deno publish of @heartwood/client', ['tar'])
const licensed = 'active: The license is active\nExport is licensed\n'

for (const name of ['Bun', 'Deno', 'Node'] satisfies Runtime[])
  test(`heartwood-client in an empty project on ${name}: verifies a token without a server`, async () => {
    const cwd = await project('heartwood-client')
    const token = await writeProgram(cwd)
    const command = [...runtimes[name], 'program.ts']
    assert.equal((await run([...command, token], { cwd })).stdout, licensed)
    assert.equal((await run(command, { cwd })).stdout, licensed)
    await assert.rejects(run([...command, `${token}x`], { cwd }), /invalid_token|not valid/)
  })

test('heartwood-client in an empty project on Node 20.0.0: verifies a token without a server', async () => {
  const cwd = await project('heartwood-client')
  const token = await writeProgram(cwd)
  const code = readFileSync(join(cwd, 'program.ts'), 'utf8').replace(/<'.*>/, '').replace('key.ts', 'key.mjs')
  writeFileSync(join(cwd, 'program.mjs'), code)
  copyFileSync(join(cwd, 'public-key.ts'), join(cwd, 'public-key.mjs'))
  assert.equal((await run([await oldNode(), 'program.mjs', token], { cwd })).stdout, licensed)
})

test('heartwood-client: publint, attw and the compiler find no problem', async () => {
  assert.match((await run(['publint', '--strict', await tarball('heartwood-client')])).stdout, /All good!/)
  await run(['attw', await tarball('heartwood-client'), '--profile', 'esm-only'])
  const cwd = await project('heartwood-client')
  const entries = ['heartwood-client', 'heartwood-client/file', 'heartwood-client/machine']
  const code = entries.map((entry, index) => `export * as part${index} from '${entry}'\n`)
  writeFileSync(join(cwd, 'types.ts'), code.join(''))
  const options = ['--noEmit', '--strict', '--target', 'es2024', '--module', 'nodenext', '--types', '']
  await run(['tsc', ...options, 'types.ts'], { cwd })
})

test('packages/client: has the license, the subpaths and the version of jose of the main package', () => {
  const [...entries] = Object.keys(jsr.exports)
  assert.deepEqual(entries, ['.', './file', './machine'])
  assert.deepEqual(Object.keys(clientManifest.exports), [...entries, './package.json'])
  for (const entry of entries) assert.ok(entry.replace('.', './client') in manifest.exports)
  assert.deepEqual([clientManifest.license, jsr.license], [manifest.license, manifest.license])
  assert.deepEqual(clientManifest.dependencies, { jose: manifest.dependencies.jose })
  assert.deepEqual(jsr.imports, { jose: `npm:jose@${manifest.dependencies.jose}` })
})

test('packages/client: the build copies what the client’s entries reach, and nothing of the server', () => {
  const files = sourceFiles(`${folder}/src`)
  const rooms = files.map((file) => file.replace(`${folder}/src/`, ''))
  assert.deepEqual(
    rooms.filter(
      (room) =>
        !/^(client|core\/token)\/[a-z-]+\.ts$|^core\/(errors|time|typeid|license-keys\/text)\.ts$/.test(room),
    ),
    [],
  )
  const packages = files.flatMap((file) => importsOf(file).filter(({ relative }) => !relative))
  const names = packages.map(({ target }) => packageOf(target)).filter((name) => !name.startsWith('node:'))
  assert.deepEqual([...new Set(names)], ['jose'])
  for (const file of files) assert.ok(!readFileSync(file, 'utf8').includes("'heartwood/client"), file)
})

test(
  'deno publish of @heartwood/client: accepts it, and sends every file that an import names',
  { skip },
  async () => {
    const { stdout, stderr } = await run(['deno', 'publish', '--dry-run', '--allow-dirty'], { cwd: folder })
    assert.doesNotMatch(stdout + stderr, /warning/i)
    const published = await publishToLocalJsr(folder)
    for (const file of ['README.md', 'LICENSE']) assert.ok(existsSync(join(published, file)), file)
    const imports = sourceFiles(published).flatMap((file) => importsOf(file))
    assert.ok(imports.length > 20)
    assert.deepEqual(
      imports.filter(({ target, relative }) =>
        relative ? !existsSync(target) : !/^(npm|node):/.test(target),
      ),
      [],
    )
  },
)

test('@heartwood/client as published, on Deno: verifies a token without a server', { skip }, async () => {
  const published = await publishToLocalJsr(folder)
  const cwd = emptyFolder()
  const token = await writeProgram(cwd, (code) =>
    code.replaceAll(/'heartwood-client(\/file)?'/g, (_, file?: string) => {
      return `'${published}/src/client/${file === undefined ? 'index' : 'file'}.ts'`
    }),
  )
  assert.equal((await run([...runtimes.Deno, 'program.ts', token], { cwd })).stdout, licensed)
})
