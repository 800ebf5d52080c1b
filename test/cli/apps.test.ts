import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { ask, emptyFolder, heartwood, startServer, whenAllIsOver, type Ended } from './heartwood.ts'
import { seed, seededApp, seedEnvironment as env } from './seed.ts'

interface AppJson {
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly mode: string
  readonly public_key_pem: string
}

let cwd: string
const disposer = whenAllIsOver(after)
before(async () => {
  cwd = emptyFolder(disposer)
  const storage = await sqliteStorage({ filename: join(cwd, 'heartwood.db') })
  await seed(storage, 30)
  await storage.close()
})

function apps(...args: readonly string[]): Promise<Ended> {
  return heartwood(['apps', ...args], { cwd, env })
}

async function jsonOf<Result>(...args: readonly string[]): Promise<Result> {
  const { code, stdout, stderr } = await apps(...args, '--json')
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout) as Result
}

test('heartwood apps list: lists apps newest first, in columns and as JSON', async () => {
  const { stdout } = await apps('list')
  assert.match(
    stdout,
    /^SLUG +MODE +CREATED +NAME\ntrial +test .*Trial\ndesktop-app +live .*My Desktop App\n$/,
  )
  const slugsOf = async (...args: string[]): Promise<readonly string[]> =>
    (await jsonOf<readonly AppJson[]>('list', ...args)).map(({ slug }) => slug)
  assert.deepEqual(await slugsOf(), ['trial', 'desktop-app'])
  assert.deepEqual(await slugsOf('--limit', '1'), ['trial'])
  assert.deepEqual(await slugsOf('--mode', 'live'), ['desktop-app'])
})

test('heartwood apps: creates an app with its own key pair, shows it, and deletes it with --yes', async () => {
  const made = await jsonOf<AppJson>('create', 'fresh', '--name', 'Fresh', '--mode', 'test')
  assert.deepEqual([made.slug, made.name, made.mode], ['fresh', 'Fresh', 'test'])
  assert.match((await apps('public-key', 'fresh')).stdout, /^-----BEGIN PUBLIC KEY-----\n/)
  assert.equal((await apps('public-key', 'fresh')).stdout, made.public_key_pem)
  const taken = await apps('create', 'fresh')
  assert.deepEqual([taken.code, taken.stderr], [1, 'heartwood: App slug is already taken\n'])
  assert.deepEqual(await jsonOf('get', 'fresh'), made)
  assert.match((await apps('get', 'fresh')).stdout, /^id +app_\w+\nslug +fresh\nmode +test\n/)
  assert.deepEqual(await jsonOf('delete', 'fresh', '--yes'), made)
  assert.equal((await apps('get', 'fresh')).stderr, 'heartwood: App not found\n')
})

test('heartwood apps delete: without --yes it deletes nothing and says what it would delete', async () => {
  const { code, stdout, stderr } = await apps('delete', seededApp)
  assert.deepEqual([code, stdout], [1, ''])
  assert.equal(
    stderr,
    'heartwood: This would delete live app desktop-app for good, with its licenses (30, active 23), customers (30) and tiers (1): add --yes to do it\n',
  )
  assert.equal((await apps('get', seededApp)).code, 0)
})

test('heartwood apps --json: prints what the HTTP API returns as data', async (t) => {
  const { stdout: key } = await heartwood(['keys', 'create'], { cwd, env })
  const server = await startServer(t, { cwd, env })
  const dataOf = async (path: string): Promise<unknown> =>
    ((await (await ask(server, path, { key: key.trim() })).json()) as { data: unknown }).data
  assert.deepEqual(await jsonOf('get', seededApp), await dataOf(`/apps/${seededApp}`))
  assert.deepEqual(await jsonOf('list', '--mode', 'live'), await dataOf('/apps'))
  const plan = await jsonOf('rotate-keys', seededApp, '--dry-run')
  const request = { key: key.trim(), body: { dry_run: true } }
  const response = await ask(server, `/apps/${seededApp}/rotate-keys`, request)
  assert.deepEqual(plan, ((await response.json()) as { data: unknown }).data)
})

test('heartwood apps rotate-keys: rotates with a grace period, and a dry run changes nothing', async () => {
  const pem = async (): Promise<string> => (await apps('public-key', seededApp)).stdout
  const old = await pem()
  const dry = await apps('rotate-keys', seededApp, '--dry-run')
  assert.match(
    dry.stdout,
    /^Dry run: 23 licenses of desktop-app would be re-signed\.\n(.+\n)+Seen: .+ Never seen: \d+\.\n/,
  )
  assert.equal(await pem(), old)
  const done = await apps('rotate-keys', seededApp, '--grace-period-days', '30')
  assert.equal(done.stdout, 'Rotated the keys of desktop-app: 23 licenses are re-signed.\n')
  assert.notEqual(await pem(), old)
  assert.equal((await heartwood(['doctor'], { cwd, env })).code, 0)
})

const refused: Readonly<Record<string, readonly [args: readonly string[], code: number, message: RegExp]>> = {
  'an unknown app': [['get', 'nowhere'], 1, /^heartwood: App not found\n$/],
  'an invalid slug': [['create', 'My_App'], 1, /^heartwood: [^\n]*slug [^\n]+\n$/],
  'a webhook without https': [
    ['create', 'x', '--webhook-url', 'http://shop.example.com'],
    1,
    /^heartwood: [^\n]*webhook_url [^\n]+\n$/,
  ],
  'a grace period over 90 days': [
    ['rotate-keys', seededApp, '--grace-period-days', '91'],
    1,
    /^heartwood: [^\n]*grace_period_days [^\n]+\n$/,
  ],
  'a limit of 0': [['list', '--limit', '0'], 2, /limit/],
  'an unknown mode': [['create', 'x', '--mode', 'prod'], 2, /prod/],
  'a deletion without a slug': [['delete', '--yes'], 2, /slug/],
}

for (const [input, [args, code, message]] of Object.entries(refused))
  test(`heartwood apps: ${input} exits with ${code}`, async () => {
    const ended = await apps(...args)
    assert.deepEqual([ended.code, ended.stdout], [code, ''])
    assert.match(ended.stderr, message)
  })
