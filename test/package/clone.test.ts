import assert from 'node:assert/strict'
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { before, test } from 'node:test'
import { emptyFolder, run, runtimes, type Runtime } from './programs.ts'
import { freshClone } from './reader-folder.ts'

/** Requests a file of Swagger UI and the OpenAPI document. Prints statuses, and messages of errors. */
const program = `
import { createLicensing } from './src/core/index.ts'
import { licensingServer } from './src/adapters/elysia.ts'
import { memoryStorage } from './src/storage/memory.ts'

const masterKey = crypto.getRandomValues(new Uint8Array(32))
const app = licensingServer(await createLicensing({ storage: memoryStorage(), masterKey }))
for (const file of ['swagger-ui.css', 'json']) {
  const response = await app.fetch(new Request('http://localhost/swagger/' + file))
  console.log(response.status, response.ok ? (await response.text()).length : (await response.json()).error.message)
}
`

const notMade = '503 This page is not built in this clone: run npm run assets\n'
const made = /^200 \d{5,}\n200 \d{5,}\n$/

let clone: string

before(async () => {
  clone = await freshClone()
  symlinkSync(resolve('node_modules'), join(clone, 'node_modules'))
  writeFileSync(join(clone, 'program.ts'), program)
})

/** Compiles the program into one executable. Resolves to its output in a folder without packages. */
async function runCompiled(): Promise<string> {
  const cwd = emptyFolder()
  const command = ['bun', 'build', '--compile', 'program.ts', '--outfile', join(cwd, 'program')]
  await run(command, { cwd: clone })
  return (await run([join(cwd, 'program')], { cwd })).stdout
}

test('a clone without any script, compiled into one executable: fails, and names the missing module', async () => {
  await assert.rejects(runCompiled(), /Could not resolve: "\.\.\/generated\/swagger-ui\.ts"/)
})

for (const name of ['Bun', 'Deno', 'Node'] satisfies Runtime[])
  test(`a clone without any script, on ${name}: 503 that names the command`, async () => {
    const { stdout } = await run([...runtimes[name], 'program.ts'], { cwd: clone })
    assert.equal(stdout, notMade + notMade)
  })

test('npm run assets: the page and the document are there on every runtime, and in one executable', async () => {
  await run(['npm', 'run', 'assets'], { cwd: clone })
  for (const command of Object.values(runtimes))
    assert.match((await run([...command, 'program.ts'], { cwd: clone })).stdout, made)
  assert.match(await runCompiled(), made)
})

test('prepare: builds the package in a clone, as an install from Git needs it', async () => {
  await run(['npm', 'run', 'prepare'], { cwd: clone })
  for (const file of ['dist/core/index.js', 'dist/adapters/generated/swagger-ui.js'])
    assert.ok(existsSync(join(clone, file)), file)
})

test('prepare without development dependencies: says so, and lets the install succeed', async () => {
  const bare = await freshClone()
  const { stdout } = await run(['npm', 'run', 'prepare'], { cwd: bare })
  assert.match(stdout, /not built, because its development dependencies are not installed/)
})

test('package.json: every script that may run first makes the modules', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>
  }
  const first = ['start', 'dev', 'build', 'test', 'test:quick', 'test:bun', 'test:deno', 'test:node']
  for (const name of [...first, 'bench', 'mutants'])
    assert.match(scripts[`pre${name}`] ?? '', /scripts\/assets\.mjs/, name)
})
