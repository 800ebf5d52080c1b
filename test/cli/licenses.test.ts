import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import process from 'node:process'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import {
  ask,
  emptyFolder,
  heartwood,
  startServer,
  ways,
  whenAllIsOver,
  type Ended,
  type Way,
} from './heartwood.ts'
import { seed, seededApp, seedEnvironment as env } from './seed.ts'

interface LicenseJson {
  readonly id: string
  readonly status: string
  readonly tier: string
  readonly customer_id: string
  readonly features: readonly string[]
  readonly expires_at: string | null
  readonly revoked_reason: string | null
  readonly jti: string
  readonly token: string | null
}

const installation = '7f2c1e0a-5b7d-4c0e-9a53-0d6f3f1b2c4d'
const token = /^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/
const license = ['--app', seededApp, '--tier', 'pro', '--customer']

let cwd: string
const disposer = whenAllIsOver(after)
before(async () => {
  cwd = emptyFolder(disposer)
  const storage = await sqliteStorage({ filename: join(cwd, 'heartwood.db') })
  await seed(storage, 130)
  await storage.close()
})

function run(...args: readonly string[]): Promise<Ended> {
  return heartwood(args, { cwd, env })
}

function licenses(...args: readonly string[]): Promise<Ended> {
  return run('licenses', ...args, '--app', seededApp)
}

async function jsonOf<Result = LicenseJson>(...args: readonly string[]): Promise<Result> {
  const { code, stdout, stderr } = await licenses(...args, '--json')
  assert.deepEqual([code, stderr], [0, ''])
  return JSON.parse(stdout) as Result
}

async function listed(...args: readonly string[]): Promise<readonly LicenseJson[]> {
  return jsonOf<readonly LicenseJson[]>('list', ...args)
}

test('heartwood licenses create: issues to the customer of an e-mail and prints only the token on standard output', async () => {
  const asked = [...license, 'Grace@Example.com', '--installation', installation, '--days', '30']
  const issued = await run('licenses', 'create', ...asked, '--features', 'beta, gamma')
  assert.equal(issued.code, 0, issued.stderr)
  assert.match(issued.stdout, token)
  assert.match(issued.stderr, /^Issued license lic_\w+: active, expires \d{4}-[^\n]+\.\n$/)
  const again = await run('licenses', 'create', ...asked)
  assert.equal(again.code, 1)
  assert.match(again.stderr, /^heartwood: [^\n]*installation[^\n]*\n$/)
  const [found] = await listed('--customer', 'grace@example.com')
  assert.deepEqual(found?.features, ['webhooks', 'api_access', 'beta', 'gamma'])
  const second = [...license, found!.customer_id, '--installation', crypto.randomUUID(), '--forever']
  const { stdout } = await run('licenses', 'create', ...second, '--json')
  const other = JSON.parse(stdout) as LicenseJson
  assert.deepEqual([other.expires_at, other.customer_id], [null, found!.customer_id])
  assert.equal((await listed('--customer', found!.customer_id)).length, 2)
})

test('heartwood licenses: shows, revokes, reinstates and regenerates a license', async () => {
  const asked = [...license, 'linus@example.com', '--installation', crypto.randomUUID()]
  const made = await run('licenses', 'create', ...asked, '--expires', '2099-01-31T00:00:00Z', '--json')
  const { id, jti, token: first } = JSON.parse(made.stdout) as LicenseJson
  const shown = await licenses('get', id)
  assert.match(shown.stdout, new RegExp(`^id +${id}\nstatus +active\n`))
  assert.equal(shown.stdout.includes(`${first}\n`), true)

  const revoked = await jsonOf('revoke', id, '--reason', 'Refunded')
  assert.deepEqual([revoked.status, revoked.revoked_reason, revoked.token], ['revoked', 'Refunded', null])
  assert.equal((await licenses('regenerate', id)).stderr, 'heartwood: The license has been revoked\n')
  const reinstated = await licenses('reinstate', id)
  assert.equal(reinstated.stdout, `${first}\n`)

  const regenerated = await licenses('regenerate', id, '--invalidate-previous')
  assert.match(regenerated.stdout, token)
  assert.notEqual(regenerated.stdout, `${first}\n`)
  assert.notEqual((await jsonOf('get', id)).jti, jti)
})

test('heartwood licenses list: lists every page without tokens, in columns and as JSON', async () => {
  const all = await listed()
  assert.equal(all.length >= 130, true)
  assert.equal(new Set(all.map(({ id }) => id)).size, all.length)
  assert.equal(
    all.some((one) => 'token' in one),
    false,
  )
  const { stdout } = await licenses('list')
  const [head, ...rows] = stdout.trimEnd().split('\n')
  assert.match(head!, /^ID +STATUS +TIER +EXPIRES +INSTALLATION +CUSTOMER$/)
  assert.deepEqual(
    rows.map((row) => row.split(/ +/)[0]),
    all.map(({ id }) => id),
  )
  assert.equal((await listed('--limit', '101')).length, 101)
})

for (const way of ['Bun', 'Deno', 'Node'] satisfies Way[])
  test(`heartwood licenses list on ${way}: a slow reader of a pipe receives the whole list`, async () => {
    const list = [...ways[way], 'licenses', 'list', '--app', seededApp, '--json']
    const slowly = ['-c', '"$@" | (sleep 2; cat)', 'sh', ...list]
    const { stdout } = await promisify(execFile)('sh', slowly, { cwd, env: { ...process.env, ...env } })
    // A pipe holds 64 kB, so the command has to wait for its reader.
    assert.equal(stdout.length > 65_536, true)
    assert.equal((JSON.parse(stdout) as unknown[]).length >= 130, true)
  })

for (const way of ['Bun', 'Deno', 'Node'] satisfies Way[])
  test(`heartwood on ${way}: leaves the output of a shell open for its next command`, async () => {
    const list = [...ways[way], 'licenses', 'list', '--app', seededApp, '--limit', '1']
    const next = ['-c', '"$@" && echo next && sleep 0.2 && echo last', 'sh', ...list]
    const { stdout } = await promisify(execFile)('sh', next, { cwd, env: { ...process.env, ...env } })
    assert.match(stdout, /\nnext\nlast\n$/)
  })

test('heartwood licenses list: filters by status, tier, customer and installation', async () => {
  const all = await listed()
  for (const status of ['active', 'expired', 'revoked'])
    assert.equal(
      (await listed('--status', status)).length,
      all.filter((one) => one.status === status).length,
      status,
    )
  assert.deepEqual(await listed('--tier', 'nowhere'), [])
  assert.equal((await listed('--customer', 'ada.7@example.com')).length, 1)
  const [some] = all as readonly (LicenseJson & { readonly installation_id: string })[]
  assert.deepEqual(await listed('--installation', some!.installation_id), [some])
})

test('heartwood licenses regenerate-all: regenerates all, or those of a tier or customer, and a dry run changes nothing', async () => {
  const before = await listed('--customer', 'ada.1@example.com')
  const plan = await jsonOf<object>('regenerate-all', '--customer', 'ada.1@example.com', '--dry-run')
  assert.deepEqual(plan, { licenses_regenerated: 1, skipped: { missing_tier: 0 } })
  assert.deepEqual(await listed('--customer', 'ada.1@example.com'), before)
  const one = await licenses('regenerate-all', '--customer', 'ada.1@example.com')
  assert.equal(one.stdout, 'Licenses regenerated: 1. Skipped for lack of a tier: 0.\n')
  assert.notDeepEqual(await listed('--customer', 'ada.1@example.com'), before)
  const all = await jsonOf<{ licenses_regenerated: number }>('regenerate-all')
  const tier = await jsonOf<{ licenses_regenerated: number }>('regenerate-all', '--tier', 'pro')
  assert.equal(tier.licenses_regenerated, all.licenses_regenerated)
  assert.equal((await run('doctor')).code, 0)
})

test('heartwood licenses --json: prints what the HTTP API returns as data', async (t) => {
  const { stdout: key } = await run('keys', 'create')
  const server = await startServer(t, { cwd, env })
  const dataOf = async (path: string): Promise<unknown> =>
    (
      (await (await ask(server, `/apps/${seededApp}/licenses${path}`, { key: key.trim() })).json()) as {
        data: unknown
      }
    ).data
  const [first] = await listed('--limit', '1')
  assert.deepEqual(await jsonOf('get', first!.id), await dataOf(`/${first!.id}`))
  assert.deepEqual(await listed('--limit', '20'), await dataOf(''))
})

test('heartwood licenses: takes --installation by its name in 0.1.0 too, and shows one name in its help', async () => {
  const [first, second] = [crypto.randomUUID(), crypto.randomUUID()]
  const buyer = [...license.slice(2), 'spelling@example.com', '--forever']
  const { id } = await jsonOf('create', ...buyer, '--installation-id', first)
  await jsonOf('update', id, `--installationId=${second}`)
  assert.deepEqual(
    (await listed(`--installation-id=${second}`)).map((one) => one.id),
    [id],
  )
  const { stdout } = await run('licenses', 'update', '--help')
  assert.ok(stdout.includes('--installation') && !stdout.includes('--installation-id'), stdout)
  const { code, stderr } = await run('licenses', 'get', '--app', seededApp, '--', '--installation-id')
  assert.deepEqual([code, stderr], [1, 'heartwood: License not found\n'])
})

const somewhere = ['--installation', installation]
const refused: Readonly<Record<string, readonly [args: readonly string[], code: number, message: RegExp]>> = {
  'no end date': [['create', ...license, 'a@b.c', ...somewhere], 2, /one of --days, --expires and --forever/],
  'two end dates': [
    ['create', ...license, 'a@b.c', ...somewhere, '--days', '1', '--forever'],
    2,
    /one of --days, --expires and --forever/,
  ],
  'no app': [['list'], 2, /app/],
  'days without digits': [['create', ...license, 'a@b.c', ...somewhere, '--days', 'ten'], 2, /digits/],
  'an invalid time': [['create', ...license, 'a@b.c', ...somewhere, '--expires', 'soon'], 2, /time/],
  'an end date in the past': [
    ['create', ...license, 'a@b.c', ...somewhere, '--expires', '2001-01-01T00:00:00Z'],
    1,
    /^heartwood: [^\n]*expires_at [^\n]+\n$/,
  ],
  'an installation id without a UUID': [
    ['create', ...license, 'a@b.c', '--installation', 'mine', '--forever'],
    1,
    /^heartwood: [^\n]*installation_id [^\n]+\n$/,
  ],
  'a list by an unknown e-mail': [
    ['list', '--app', seededApp, '--customer', 'nobody@example.com'],
    1,
    /^heartwood: Customer not found\n$/,
  ],
  'an unknown license': [
    ['get', 'lic_01h2xcejqtf2nbrexx3vqjhp41', '--app', seededApp],
    1,
    /^heartwood: License not found\n$/,
  ],
  'an unknown app': [['list', '--app', 'nowhere'], 1, /^heartwood: App not found\n$/],
}

for (const [input, [args, code, message]] of Object.entries(refused))
  test(`heartwood licenses: ${input} exits with ${code}`, async () => {
    const ended = await run('licenses', ...args)
    assert.deepEqual([ended.code, ended.stdout], [code, ''])
    assert.match(ended.stderr, message)
  })

test('heartwood licenses create: a misspelt tier creates no customer', async () => {
  const asked = ['--app', seededApp, '--tier', 'gold', '--customer', 'late@example.com', ...somewhere]
  const refusal = await run('licenses', 'create', ...asked, '--forever')
  assert.deepEqual([refusal.code, refusal.stderr], [1, 'heartwood: Tier not found\n'])
  assert.equal(
    (await licenses('list', '--customer', 'late@example.com')).stderr,
    'heartwood: Customer not found\n',
  )
})
