import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { ask, emptyFolder, heartwood, startServer } from './heartwood.ts'

interface KeyJson {
  readonly id: string
  readonly name: string | null
  readonly secret?: string
  readonly revoked_at: string | null
  readonly expires_at: string | null
}

test('heartwood keys: creates, lists and revokes keys while a server runs', async (t) => {
  const cwd = emptyFolder(t)
  const server = await startServer(t, { cwd })
  const plain = await heartwood(['keys', 'create', '--name', 'Second'], { cwd })
  assert.match(plain.stdout, /^sk_live_\w{36}\n$/, 'standard output holds only the secret')
  assert.equal(plain.stderr.includes('sk_live_'), false)
  assert.equal((await ask(server, '/apps', { key: plain.stdout.trim() })).status, 200)

  const created = await heartwood(['keys', 'create', '--type', 'pk', '--mode', 'test', '--json'], { cwd })
  const reader = JSON.parse(created.stdout) as KeyJson
  assert.match(reader.secret ?? '', /^pk_test_/)
  const listed = await heartwood(['keys', 'list', '--json'], { cwd })
  const keys = JSON.parse(listed.stdout) as readonly KeyJson[]
  assert.deepEqual(
    keys.map(({ name }) => name),
    [null, 'Second', 'First key'],
  )
  assert.equal(listed.stdout.includes(plain.stdout.trim()), false)

  const second = keys.find(({ name }) => name === 'Second')!
  assert.equal((await heartwood(['keys', 'revoke', second.id], { cwd })).code, 0)
  assert.equal((await ask(server, '/apps', { key: plain.stdout.trim() })).status, 401)
  assert.match((await heartwood(['keys', 'list'], { cwd })).stdout, new RegExp(`${second.id} .* revoked`))
  await server.stop()
})

test('heartwood keys create: --scope and --preset give a key these rights alone', async (t) => {
  const cwd = emptyFolder(t)
  const server = await startServer(t, { cwd })
  const create = (...flags: string[]) => heartwood(['keys', 'create', ...flags], { cwd })
  const two = await create('--scope', 'licenses:read', '--scope', 'catalogue:read')
  assert.match(
    two.stderr,
    /^Created secret key key_\w+ for every live app with the scopes catalogue:read, licenses:read\./,
  )
  const key = two.stdout.trim()
  assert.equal((await ask(server, '/apps', { key })).status, 200)
  assert.equal((await ask(server, '/api-keys', { key })).status, 403)
  const { stdout } = await create('--preset', 'auditor', '--json')
  const auditor = JSON.parse(stdout) as { readonly type: string; readonly scopes: readonly string[] }
  assert.deepEqual([auditor.type, auditor.scopes.at(-1)], ['pk', 'audit:read'])
  assert.match((await heartwood(['keys', 'list'], { cwd })).stdout, / catalogue:read licenses:read *\n/)
  for (const [flags, code] of [
    [['--scope', 'everything'], 2],
    [['--preset', 'admin'], 2],
    [['--preset', 'support', '--scope', 'licenses:read'], 1],
    [['--type', 'pk', '--scope', 'licenses:write'], 1],
  ] as const)
    assert.equal((await create(...flags)).code, code, flags.join(' '))
  await server.stop()
})

test('heartwood keys create: --expires must be in the future', async (t) => {
  const cwd = emptyFolder(t)
  const expiring = await heartwood(['keys', 'create', '--json', '--expires', '2099-01-01T01:00:00+01:00'], {
    cwd,
  })
  assert.equal((JSON.parse(expiring.stdout) as KeyJson).expires_at, '2099-01-01T00:00:00Z')
  const past = await heartwood(['keys', 'create', '--expires', '2001-01-01T00:00:00Z'], { cwd })
  assert.equal(past.code, 1)
  assert.match(past.stderr, /^heartwood: .*expires_at must be in the future\n$/)
  assert.equal((await heartwood(['keys', 'create', '--expires', 'soon'], { cwd })).code, 2)
})

test('heartwood keys create: a server started afterwards prints no key', async (t) => {
  const cwd = emptyFolder(t)
  const { stdout, stderr } = await heartwood(['keys', 'create'], { cwd })
  assert.match(
    stderr,
    /^Created the master key heartwood\.key\. [^\n]+\nCreated the database heartwood\.db\.\n/,
  )
  const server = await startServer(t, { cwd })
  assert.equal(server.key, null)
  assert.equal((await ask(server, '/apps', { key: stdout.trim() })).status, 200)
  await server.stop()
})

test('heartwood keys list and revoke: need a database and create none', async (t) => {
  const cwd = emptyFolder(t)
  for (const command of [['list'], ['revoke', 'key_01h2xcejqtf2nbrexx3vqjhp41']]) {
    const { code, stderr } = await heartwood(['keys', ...command], { cwd })
    assert.equal(code, 1)
    assert.match(stderr, /^heartwood: There is no database heartwood\.db/)
  }
  assert.deepEqual(readdirSync(cwd), [])
})

test('heartwood keys: an unknown key or app is an error of one line', async (t) => {
  const cwd = emptyFolder(t)
  await heartwood(['migrate'], { cwd })
  const revoked = await heartwood(['keys', 'revoke', 'key_01h2xcejqtf2nbrexx3vqjhp41'], { cwd })
  assert.deepEqual([revoked.code, revoked.stderr], [1, 'heartwood: API key not found\n'])
  const bound = await heartwood(['keys', 'create', '--app', 'my-app'], { cwd })
  assert.deepEqual([bound.code, bound.stderr], [1, 'heartwood: App not found\n'])
})
