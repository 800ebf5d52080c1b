import assert from 'node:assert/strict'
import { lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePort, requestOnce, run, runtimes, type Runtime } from './programs.ts'
import { installInto, project, type PackageName } from './tarball.ts'

interface LockedPackage {
  readonly hasInstallScript?: boolean
  readonly license?: string
}

/** The packages of an installed project, by their folders. */
function packagesOf(folder: string): readonly (readonly [path: string, entry: LockedPackage])[] {
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, LockedPackage>>
  }
  return Object.entries(lock.packages).filter(([path]) => path !== '')
}

/** The room on a disk with blocks of 4 KiB, in megabytes, as `du` counts it. */
function megabytesOf(folder: string): number {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const blocks = paths.map((path) => Math.ceil(lstatSync(join(folder, path)).size / 4096))
  return blocks.reduce((sum, count) => sum + count, 0) / 256
}

const limits: Readonly<Record<PackageName, readonly [packages: number, megabytes: number]>> = {
  heartwood: [32, 30],
  'heartwood-client': [2, 1.5],
}

for (const name of Object.keys(limits) as PackageName[])
  test(`npm install ${name}: few packages, few megabytes, no install script`, async (context) => {
    const folder = await project(name)
    const packages = packagesOf(folder)
    const megabytes = megabytesOf(join(folder, 'node_modules'))
    const [mostPackages, mostMegabytes] = limits[name]
    context.diagnostic(`${packages.length} packages, ${megabytes.toFixed(1)} MB`)
    assert.ok(packages.length <= mostPackages, `${packages.map(([path]) => path)}`)
    assert.ok(megabytes <= mostMegabytes, `${megabytes} MB`)
    const withScript = packages.filter(([, { hasInstallScript }]) => hasInstallScript === true)
    assert.deepEqual(withScript, [])
    assert.deepEqual(
      packages.filter(([path]) => path.includes('@scarf/')),
      [],
    )
  })

/** Imports every subpath, then requests the page with its files and the metrics. */
const program = `
import { createLicensing } from 'heartwood'
import * as client from 'heartwood/client'
import * as file from 'heartwood/client/file'
import * as machine from 'heartwood/client/machine'
import * as testing from 'heartwood/testing'
import * as server from 'heartwood/testing/server'
import * as kysely from 'heartwood/storage/kysely'
import * as postgres from 'heartwood/storage/postgres'
import * as webhooks from 'heartwood/webhooks'
import { licensingServer } from 'heartwood/elysia'
import { memoryStorage } from 'heartwood/storage/memory'
import { sqliteStorage } from 'heartwood/storage/sqlite'
import document from 'heartwood/openapi.json' with { type: 'json' }

const masterKey = crypto.getRandomValues(new Uint8Array(32))
const storage = await sqliteStorage({ filename: ':memory:' })
const app = licensingServer(await createLicensing({ storage, masterKey }), { metrics: true })
const get = (path) => app.fetch(new Request('http://localhost' + path))
for (const path of ['/swagger', '/swagger/swagger-ui-bundle.js', '/swagger/json', '/metrics'])
  console.log(path, (await get(path)).status)
console.log(JSON.stringify(await (await get('/swagger/json')).json()) === JSON.stringify(document))
console.log((await (await get('/metrics')).json()).error.message)
await storage.close()
`

const expected = `/swagger 200
/swagger/swagger-ui-bundle.js 200
/swagger/json 200
/metrics 503
true
Metrics need the package "prom-client" beside heartwood
`

for (const name of ['Bun', 'Deno', 'Node'] satisfies Runtime[])
  test(`installed package on ${name}: every subpath loads; only metrics ask for prom-client`, async () => {
    const folder = await project()
    writeFileSync(join(folder, 'subpaths.mjs'), program)
    const { stdout } = await run([...runtimes[name], 'subpaths.mjs'], { cwd: folder })
    assert.equal(stdout, expected)
  })

test('npm install --install-strategy=linked: every subpath loads, although each package sees only what it declares', async () => {
  const folder = await installInto('heartwood', ['--install-strategy=linked'])
  writeFileSync(join(folder, 'subpaths.mjs'), program)
  const { stdout } = await run([...runtimes.Node, 'subpaths.mjs'], { cwd: folder })
  assert.equal(stdout, expected)
})

const serve = [...runtimes.Node, 'node_modules/.bin/heartwood', 'serve', '--port']

test('heartwood serve without prom-client: serves the API and the page', async () => {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/swagger/swagger-ui.css`
  const response = await requestOnce([...serve, `${port}`], url, { cwd: await project() })
  assert.equal(response.status, 200)
})

test('heartwood serve with metrics, without prom-client: refuses to start, and names the package', async () => {
  const env = { HEARTWOOD_METRICS: 'on' }
  await assert.rejects(run([...serve, '0'], { cwd: await project(), env }), (error: Error) => {
    assert.match(error.message, /Metrics need the package "prom-client" beside heartwood/)
    assert.doesNotMatch(error.message, /listens on|\n +at /)
    return true
  })
})
