import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import manifest from '../../package.json' with { type: 'json' }
import { ask, startServer } from '../cli/heartwood.ts'
import { masterKey } from '../support/fixtures.ts'
import { lacking } from '../support/left-out.ts'
import { importsOf, sourceFiles } from './imports.ts'
import { publishToLocalJsr } from './local-jsr.ts'
import { run, runtimes, type Runtime } from './programs.ts'
import { project, tarball } from './tarball.ts'

interface SourceMap {
  readonly sources: readonly string[]
}

test('tarball: publint finds no problem', async () => {
  assert.match((await run(['publint', '--strict', await tarball()])).stdout, /All good!/)
})

test('tarball: every subpath resolves to code and types', async () => {
  await run(['attw', await tarball(), '--profile', 'esm-only'])
})

for (const name of ['Bun', 'Deno', 'Node'] satisfies Runtime[])
  test(`tarball, installed into an empty project: runs examples/embed.ts on ${name}`, async () => {
    copyFileSync('examples/embed.ts', join(await project(), 'embed.ts'))
    const { stdout } = await run([...runtimes[name], 'embed.ts'], { cwd: await project() })
    assert.match(stdout, /\S/)
  })

for (const name of ['Bun', 'Deno', 'Node'] satisfies Runtime[])
  test(`heartwood --help: the installed command runs on ${name}`, async () => {
    const command = [...runtimes[name], 'node_modules/.bin/heartwood', '--help']
    assert.match((await run(command, { cwd: await project() })).stdout, /serve/)
  })

for (const name of ['Bun', 'Deno', 'Node'] satisfies Runtime[])
  test(`heartwood serve, export and import: the installed command works on ${name}`, async (t) => {
    const [cwd, env] = [await project(), { HEARTWOOD_MASTER_KEY: masterKey }]
    const heartwood = [...runtimes[name], 'node_modules/.bin/heartwood']
    const database = ['--database', `${name}.db`]
    const server = await startServer(t, { cwd, env, command: [...heartwood, 'serve'] }, database)
    const body = { name: 'Desk', slug: 'desk' }
    assert.equal((await ask(server, '/apps', { key: server.key, body })).status, 201)
    for (const path of ['/api/health', '/swagger', '/api/v1/apps/desk/jwks.json'])
      assert.equal((await fetch(server.url + path)).status, 200, path)
    assert.equal((await server.stop()).code, 0)
    await run([...heartwood, 'export', `${name}.ndjson`, ...database], { cwd, env })
    const copy = ['--database', `${name}-copy.db`]
    const { stdout } = await run([...heartwood, 'import', `${name}.ndjson`, ...copy], { cwd, env })
    const lines = readFileSync(join(cwd, `${name}.ndjson`), 'utf8')
      .trim()
      .split('\n')
      .slice(1)
    const ofLog = lines.filter((line) => line.startsWith('{"audit'))
    // An app, its key pair and an API key. The acts that made them and the first link have an entry each.
    assert.equal(lines.length - ofLog.length, 3)
    assert.ok(ofLog.length >= 3)
    assert.ok(stdout.startsWith(`Imported ${lines.length} records into`), stdout)
  })

test('tarball: the bundled command line brings the licence of each package in it', async () => {
  const maps = readdirSync('dist/cli').filter((file) => file.endsWith('.js.map'))
  const sources = maps.flatMap(
    (file) => (JSON.parse(readFileSync(join('dist/cli', file), 'utf8')) as SourceMap).sources,
  )
  const packages = new Set(
    sources.flatMap((source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? []),
  )
  const installed = join(await project(), 'node_modules/heartwood')
  const licenses = readFileSync(join(installed, 'dist/cli/LICENSES.txt'), 'utf8')
  assert.notEqual(packages.size, 0)
  assert.deepEqual(
    [...packages].filter((name) => !licenses.includes(`\n${name} `)),
    [],
  )
})

// The declarations of Elysia have errors in every version of TypeScript, so the test leaves out that subpath.
test('tarball: its types pass in a strict program without the types of Node and Bun', async () => {
  const subpaths = Object.keys(manifest.exports).filter((subpath) => !/elysia|\.json$/.test(subpath))
  const program = subpaths.map(
    (path, index) => `export * as part${index} from '${path.replace('.', 'heartwood')}'`,
  )
  writeFileSync(join(await project(), 'program.ts'), program.join('\n'))
  const options = ['--noEmit', '--strict', '--target', 'es2024', '--module', 'nodenext', '--types', '']
  await run(['tsc', ...options, 'program.ts'], { cwd: await project() })
})

test('deno publish: accepts the sources and finds no slow types', async () => {
  const { stdout, stderr } = await run(['deno', 'publish', '--dry-run', '--allow-dirty'])
  assert.doesNotMatch(stdout + stderr, /warning/i)
  // Deno leaves out files that Git ignores, and says nothing.
  for (const name of ['openapi', 'swagger-ui'])
    assert.match(stdout + stderr, new RegExp(`adapters/generated/${name}.ts `))
  assert.match(stdout + stderr, /\/openapi\.json /)
})

const skip = lacking('deno publish to a local registry', ['tar'])

test(
  'deno publish: every import it sends names a published file, or a package with its registry',
  { skip },
  async () => {
    const imports = sourceFiles(await publishToLocalJsr()).flatMap((file) => importsOf(file))
    assert.notEqual(imports.length, 0)
    const broken = imports.filter(({ target, relative }) =>
      relative ? !existsSync(target) : !/^(npm|node|bun):/.test(target),
    )
    assert.deepEqual(
      broken.map(({ file, target }) => `${file} imports ${target}`),
      [],
    )
  },
)
