import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { emptyFolder, freePort, requestOnce, run, runtimes, type Runtime } from './programs.ts'

const scripts: Readonly<Record<string, readonly Runtime[]>> = {
  'embed.ts': ['Bun', 'Deno', 'Node'],
  'offline-verify.ts': ['Bun', 'Deno', 'Node'],
  'own-storage.ts': ['Bun', 'Deno', 'Node'],
  'own-transaction.ts': ['Bun', 'Deno', 'Node'],
  'rotate-keys.ts': ['Bun', 'Deno', 'Node'],
}

const servers: Readonly<Record<string, Runtime>> = {
  'server-bun.ts': 'Bun',
  'server-deno.ts': 'Deno',
  'server-node.ts': 'Node',
  'webhook-receiver.ts': 'Node',
}

/** Examples that client-examples.test.ts runs, because they need a license server. */
const clients = [
  'client-browser.html',
  'client-browser.ts',
  'client-cli.ts',
  'client_license.py',
  'remote.ts',
]

/** Examples that are no programs. test/documents/grafana.test.ts reads this one. */
const others = ['grafana-dashboard.json']

for (const [file, names] of Object.entries(scripts))
  for (const name of names)
    test(`examples/${file} on ${name}: runs to its end and prints a result`, async () => {
      const { stdout } = await run([...runtimes[name], resolve('examples', file)], { cwd: emptyFolder() })
      assert.match(stdout, /\S/)
    })

/** The states of the computers in `examples/sell.ts`, in order. */
const states = [
  'laptop: active',
  'desktop: active',
  'tablet: active',
  'desktop: invalid',
  'laptop: active',
  'laptop: expired',
  'laptop: active',
  'laptop: invalid',
  'new laptop: active',
  'new laptop: revoked',
]

for (const name of ['Bun', 'Deno', 'Node'] satisfies Runtime[])
  test(`examples/sell.ts on ${name}: goes from the sale to the refund`, async () => {
    const { stdout } = await run([...runtimes[name], resolve('examples/sell.ts')], { cwd: emptyFolder() })
    const shown = [...stdout.matchAll(/^ {2}([\w ]+: \w+)\. .+$/gm)].map(([, state]) => state)
    assert.deepEqual(shown, states)
    assert.match(stdout, /your license key is DESK(-[0-9A-Z]{5}){5}\n/)
    assert.match(stdout, /\n {2}All seats of the license key are taken: release one first\n/)
    assert.match(stdout, /applied: false\n$/)
  })

for (const [file, name] of Object.entries(servers))
  test(`examples/${file} on ${name}: responds to requests`, async () => {
    const port = await freePort()
    const command = [...runtimes[name], resolve('examples', file)]
    const url = `http://127.0.0.1:${port}/api/health`
    const response = await requestOnce(command, url, { cwd: emptyFolder(), env: { PORT: `${port}` } })
    assert.equal(response.status, 200)
  })

test('examples: a test runs or reads every file', () => {
  assert.deepEqual(
    readdirSync('examples').toSorted(),
    ['sell.ts', ...clients, ...others, ...Object.keys({ ...scripts, ...servers })].toSorted(),
  )
})
