import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ask, emptyFolder, heartwood, sameRuntime, startServer, type RunningServer } from './heartwood.ts'

interface Person {
  readonly id: string
  readonly name: string | null
  readonly mode: string
}

/** Follows a link as the page does. Resolves to the status and the person. */
async function follow(link: string): Promise<readonly [status: number, person: Person | undefined]> {
  const { origin } = new URL(link)
  const response = await fetch(`${origin}/dashboard/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin, 'sec-fetch-site': 'same-origin' },
    body: JSON.stringify({ link: link.split('#/in/')[1] }),
  })
  const { data } = (await response.json()) as { data?: { person: Person } }
  return [response.status, data?.person]
}

const linkIn = (text: string): string => /^ {2}(http\S+#\/in\/\S+)$/m.exec(text)?.[1] ?? ''

/** The page itself says if the dashboard is on. */
async function isOn({ url }: RunningServer): Promise<boolean> {
  return (await fetch(`${url}/dashboard`)).status === 200
}

test('heartwood serve: the first start prints a link that signs in once; the second prints none', async (t) => {
  const cwd = emptyFolder(t)
  const server = await startServer(t, { cwd, way: sameRuntime })
  const listed = await heartwood(['keys', 'list', '--json'], { cwd, way: sameRuntime })
  const [key] = JSON.parse(listed.stdout) as readonly { readonly id: string }[]
  const first = linkIn(server.printed())
  assert.ok(first.startsWith(`${server.url}/dashboard#/in/`), first)
  const [status, person] = await follow(first)
  assert.deepEqual([status, person?.id], [200, key?.id])
  assert.deepEqual(await follow(first), [401, undefined])
  const ended = await server.stop()
  assert.match(ended.stdout, new RegExp(`^The dashboard is at ${server.url}/dashboard$`, 'm'))
  assert.equal(`${ended.stdout}${ended.stderr}`.split('#/in/').length, 2)
  const second = await startServer(t, { cwd, way: sameRuntime })
  assert.equal((await second.stop()).stdout.includes('#/in/'), false)
})

test('heartwood serve: its link signs in on this computer, even if the server listens on all addresses', async (t) => {
  const run = { cwd: emptyFolder(t), env: { HEARTWOOD_DASHBOARD: 'on' }, way: sameRuntime }
  const link = linkIn((await startServer(t, run, ['--host', '0.0.0.0'])).printed())
  assert.match(link, /^http:\/\/localhost:\d+\//)
  assert.equal((await follow(link))[0], 200)
})

test('heartwood dashboard: prints a link for the oldest key that may do everything, or for the one that --key names', async (t) => {
  const cwd = emptyFolder(t)
  const server = await startServer(t, { cwd, way: sameRuntime })
  const { port } = new URL(server.url)
  const make = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await heartwood(['keys', 'create', '--json', ...args], { cwd, way: sameRuntime })
    return (JSON.parse(stdout) as { id: string }).id
  }
  const support = await make('--preset', 'support')
  await make('--name', 'Second')
  const run = (...args: readonly string[]) =>
    heartwood(['dashboard', '--port', port, ...args], { cwd, way: sameRuntime })
  const [, oldest] = await follow(linkIn((await run()).stdout))
  assert.equal(oldest?.name, 'First key')
  const [, named] = await follow(linkIn((await run('--key', support)).stdout))
  assert.equal(named?.id, support)

  const lacking = await run('--mode', 'test')
  assert.deepEqual([lacking.code, lacking.stdout], [1, ''])
  assert.match(lacking.stderr, /heartwood keys create --mode test/)
  const inTest = await make('--mode', 'test')
  const [, tester] = await follow(linkIn((await run('--mode', 'test')).stdout))
  assert.deepEqual([tester?.id, tester?.mode], [inTest, 'test'])
  assert.equal((await run('--mode', 'test', '--key', support)).code, 2)
  const unknown = await run('--key', 'key_x')
  assert.deepEqual([unknown.code, unknown.stdout], [1, ''])

  const env = { HEARTWOOD_PUBLIC_URL: 'https://licenses.example.com/x' }
  const published = await heartwood(['dashboard'], { cwd, env, way: sameRuntime })
  assert.match(linkIn(published.stdout), /^https:\/\/licenses\.example\.com\/x\/dashboard#\/in\/v1\./)
})

test('heartwood serve: the dashboard is on for this machine alone, unless HEARTWOOD_DASHBOARD decides', async (t) => {
  const cases = [
    [{}, [], true],
    [{ HEARTWOOD_DASHBOARD: 'off' }, [], false],
    [{}, ['--host', '0.0.0.0'], false],
    [{ HEARTWOOD_DASHBOARD: 'on' }, ['--host', '0.0.0.0'], true],
  ] as const
  for (const [env, args, wanted] of cases) {
    const server = await startServer(t, { cwd: emptyFolder(t), env, way: sameRuntime }, args)
    assert.equal(await isOn(server), wanted, JSON.stringify([env, args]))
    const { stdout } = await server.stop()
    assert.equal(stdout.includes('/dashboard'), wanted)
  }
  const env = { HEARTWOOD_DASHBOARD: 'yes' }
  const { code, stderr } = await heartwood(['serve'], { cwd: emptyFolder(t), env, way: sameRuntime })
  assert.equal(code, 1)
  assert.match(stderr, /HEARTWOOD_DASHBOARD must be "on" or "off"/)
})

test('heartwood serve --demo: 200 licenses in all states from memory, and no file', async (t) => {
  const cwd = emptyFolder(t)
  const server = await startServer(t, { cwd, way: sameRuntime }, ['--demo'])
  const { key } = server
  const count = async (path: string): Promise<number> => {
    const response = await ask(server, path, { key })
    return ((await response.json()) as { meta: { total: number } }).meta.total
  }
  const at = '/apps/desktop-app'
  const states = await Promise.all(
    ['active', 'expired', 'revoked'].map((status) => count(`${at}/licenses?status=${status}`)),
  )
  assert.equal(
    states.reduce((sum, each) => sum + each, 0),
    200,
  )
  for (const each of states) assert.ok(each >= 10, `${states}`)
  assert.equal(await count(`${at}/tiers`), 3)
  assert.equal(await count(`${at}/license-keys`), 12)
  assert.ok((await count(`${at}/webhook-deliveries?state=failed`)) > 0)
  assert.ok((await count(`${at}/webhook-deliveries?state=delivered`)) > 30)
  const [status, person] = await follow(linkIn(server.printed()))
  assert.deepEqual([status, person?.name], [200, 'Founder'])
  await server.stop()
  assert.deepEqual(readdirSync(cwd), [])
})

test('heartwood serve --demo: refuses a database, and leaves it as it is', async (t) => {
  const cwd = emptyFolder(t)
  await (await startServer(t, { cwd, way: sameRuntime })).stop()
  const before = readFileSync(join(cwd, 'heartwood.db'))
  const refused = await heartwood(['serve', '--demo', '--database', 'heartwood.db'], {
    cwd,
    way: sameRuntime,
  })
  assert.deepEqual([refused.code, refused.stdout], [2, ''])
  const env = { HEARTWOOD_DATABASE: 'heartwood.db' }
  await (await startServer(t, { cwd, env, way: sameRuntime }, ['--demo'])).stop()
  assert.ok(before.equals(readFileSync(join(cwd, 'heartwood.db'))))
})
