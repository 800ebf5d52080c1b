import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test, after } from 'node:test'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { emptyFolder, heartwood, heartwoodInto, whenAllIsOver, type Ended } from './heartwood.ts'
import { seedEnvironment as env, seedLicensing } from './seed.ts'

type Fields = Readonly<Record<string, unknown>>

const ofApp = ['--app', 'photo-app']
const text = /^(?:[0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}\n$/

let cwd: string
const disposer = whenAllIsOver(after)
before(async () => {
  cwd = emptyFolder(disposer)
  const storage = await sqliteStorage({ filename: join(cwd, 'heartwood.db') })
  await (await seedLicensing(storage)).apps.create({ name: 'Photo', slug: 'photo-app' })
  await storage.close()
})

function run(...args: readonly string[]): Promise<Ended> {
  return heartwood([...args, ...ofApp], { cwd, env })
}

/** The standard output of a command that succeeds. */
async function resultOf(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args)
  assert.equal(code, 0, stderr)
  return stdout
}

async function jsonOf<Result = Fields>(...args: readonly string[]): Promise<Result> {
  return JSON.parse(await resultOf(...args, '--json')) as Result
}

/** Activates a license key in process, as the server does for a program. */
async function activate(licenseKey: string, installationId: string, name: string): Promise<string> {
  const storage = await sqliteStorage({ filename: join(cwd, 'heartwood.db') })
  try {
    const licensing = await seedLicensing(storage)
    const activation = { installationId, name }
    return (await licensing.licenseKeys.activate('photo-app', licenseKey, activation)).license.id
  } finally {
    await storage.close()
  }
}

const buy = ['license-keys', 'create', '--customer', 'ada@example.com', '--tier', 'pro', '--days', '30']

test('the command line alone sells a first license: tier, feature, customer, license key', async () => {
  assert.match(
    await resultOf(
      'tiers',
      'create',
      'pro',
      '--name',
      'Pro',
      '--features',
      'export',
      '--limits',
      'projects=5',
    ),
    /^Created tier pro \(tier_\w+\)\.\n$/,
  )
  assert.match(
    await resultOf('features', 'create', 'sync', '--name', 'Sync'),
    /^Created feature sync \(feat_\w+\)\.\n$/,
  )
  assert.match(await resultOf('tiers', 'add-feature', 'pro', '--feature', 'sync'), /^Added feature sync to /)
  assert.match(await resultOf('tiers', 'add-feature', 'pro', '--feature', 'sync'), /has feature sync already/)
  const tier = await jsonOf('tiers', 'get', 'pro')
  assert.deepEqual([tier.features, tier.limits], [['export', 'sync'], { projects: 5 }])
  assert.match(await resultOf('tiers', 'list'), /^SLUG +FEATURES +NAME\npro +export, sync +Pro\n$/)
  const features = await jsonOf<readonly Fields[]>('features', 'list')
  assert.deepEqual(features.map(({ slug }) => slug).toSorted(), ['export', 'sync'])
  assert.match(await resultOf('features', 'get', 'sync'), /\nname +Sync\n/)

  const made = await jsonOf(
    'customers',
    'create',
    'Ada@example.com',
    '--name',
    'Ada',
    '--external-id',
    'crm-1',
  )
  assert.deepEqual([made.name, made.external_id], ['Ada', 'crm-1'])
  assert.deepEqual(await jsonOf('customers', 'get', 'ada@EXAMPLE.com'), made)
  assert.deepEqual(await jsonOf('customers', 'list', '--email', 'ada'), [made])

  const { code, stdout, stderr } = await run(...buy, '--seats', '2')
  assert.equal(code, 0, stderr)
  assert.match(stdout, text)
  assert.match(stderr, /^Made license key lkey_\w+: 0 of 2 seats, expires \d{4}-[^\n]+\.\n$/)
  assert.equal(
    await resultOf('license-keys', 'list', '--json').then((all) => all.includes(stdout.trim())),
    false,
  )
})

test('heartwood license-keys: shows, changes, rolls, revokes and reinstates a license key, and frees a seat', async () => {
  const sold = await jsonOf(...buy, '--external-id', 'order-7', '--updates-until', '2030-01-31')
  const [id, key] = [String(sold.id), String(sold.key)]
  assert.deepEqual([sold.external_id, sold.updates_until], ['order-7', '2030-01-31T00:00:00Z'])
  assert.match(
    await resultOf('license-keys', 'get', id),
    new RegExp(`^id +${id}\nkey +${key}\nstatus +active\n`),
  )
  const license = await activate(key, crypto.randomUUID(), 'Laptop')
  assert.match(await resultOf('license-keys', 'list'), new RegExp(`\n${id} +active +pro +1 of 1 `))
  assert.match(await resultOf('license-keys', 'seats', id), new RegExp(`\n${license} +active .* Laptop\n$`))
  assert.equal(
    await resultOf('license-keys', 'release', license),
    `Released the seat of license ${license}.\n`,
  )
  assert.match(await resultOf('license-keys', 'seats', id), new RegExp(`\n${license} +revoked `))

  const changed = await jsonOf('license-keys', 'update', id, '--seats', '3', '--forever', '--name', 'Team')
  assert.deepEqual([changed.seats, changed.expires_at, changed.name], [3, null, 'Team'])
  const rolled = await resultOf('license-keys', 'roll', id, '--overlap-days', '7')
  assert.match(rolled, text)
  assert.notEqual(rolled.trim(), key)
  assert.equal((await jsonOf('license-keys', 'revoke', id, '--reason', 'Refund')).status, 'revoked')
  assert.match(await resultOf('license-keys', 'get', id), /\nrevoked +\S+ Refund\n/)
  assert.equal((await jsonOf('license-keys', 'reinstate', id)).status, 'active')
})

test('heartwood license-keys create --count: prints only texts, one a line, and a JSON array with --json', async () => {
  const lines = (await resultOf(...buy, '--count', '3')).trimEnd().split('\n')
  assert.equal(new Set(lines).size, 3)
  assert.equal(
    lines.every((line) => text.test(`${line}\n`)),
    true,
  )
  const made = await jsonOf<readonly Fields[]>(...buy, '--count', '2', '--starts-on-activation')
  assert.deepEqual(
    made.map(({ starts, expires_at }) => [starts, expires_at]),
    [
      ['activation', null],
      ['activation', null],
    ],
  )
  const { code, stderr } = await heartwoodInto('full disk', [...buy, '--count', '5', ...ofApp], { cwd, env })
  assert.deepEqual([code, /license-keys get lkey_\w+ shows the license key/.test(stderr)], [1, true])
})

test('heartwood licenses update: changes the end and the installation, and prints a token', async () => {
  const installation = crypto.randomUUID()
  const made = await jsonOf(
    ...['licenses', 'create', '--customer', 'ada@example.com', '--tier', 'pro', '--days', '3'],
    ...['--installation', crypto.randomUUID(), '--updates-until', '2031-01-01'],
  )
  assert.equal(made.updates_until, '2031-01-01T00:00:00Z')
  const asked = ['licenses', 'update', String(made.id), '--installation', installation, '--forever']
  const changed = await jsonOf(...asked)
  assert.deepEqual([changed.installation_id, changed.expires_at], [installation, null])
  assert.match(await resultOf(...asked), /^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/)
})

const misused: readonly (readonly [args: readonly string[], code: number, message: RegExp])[] = [
  [[...buy, '--forever'], 2, /by one of --days, --expires and --forever/],
  [[...buy, '--count', '2', '--external-id', 'order-8'], 2, /leave --count out/],
  [[...buy, '--count', '0'], 2, /at least 1/],
  [[...buy, '--seats', '10001'], 1, /seats/],
  [['license-keys', 'update', 'lkey_0'], 2, /Say what changes/],
  [['license-keys', 'get', 'lkey_0'], 1, /not found/],
  [['licenses', 'update', 'lic_0'], 2, /Say what changes/],
  [['tiers', 'create', 'max', '--name', 'Max', '--limits', 'projects'], 2, /projects=5,users=10/],
  [['tiers', 'create', 'pro', '--name', 'Pro'], 1, /slug/],
  [['customers', 'create', 'nobody'], 1, /email/],
  [['license-keys', 'release', 'lic_0'], 1, /not found/],
]

for (const [args, expected, message] of misused)
  test(`heartwood ${args.join(' ')}: exits with ${expected} and says why`, async () => {
    const { code, stdout, stderr } = await run(...args)
    assert.deepEqual([code, stdout], [expected, ''])
    assert.match(stderr, message)
  })

const keyText = 'ACME-00000-00000-00000-00000-00000'

test('heartwood check-key: prints the usual form, or what a typing error may mean, without a database', async (t) => {
  const folder = { cwd: emptyFolder(t) }
  const good = await heartwood(['check-key', keyText.toLowerCase().replaceAll('-', ' ')], folder)
  assert.deepEqual([good.code, good.stdout, good.stderr], [0, `${keyText}\n`, ''])
  const typed = await heartwood(['check-key', '-'], { ...folder, input: `${keyText.slice(0, -1)}7\n` })
  assert.deepEqual([typed.code, typed.stdout], [1, ''])
  assert.equal(typed.stderr.includes(keyText), true)
  const json = await heartwood(['check-key', 'nonsense', '--json'], folder)
  assert.deepEqual([json.code, JSON.parse(json.stdout)], [1, { ok: false, suggestions: [] }])
})
