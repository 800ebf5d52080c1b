import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import process from 'node:process'
import { after, before, test, type TestContext } from 'node:test'
import { ask } from '../cli/heartwood.ts'
import { lacking } from '../support/left-out.ts'
import { startRegistry, type Registry } from './local-registry.ts'
import { emptyFolder, run } from './programs.ts'

const skip = lacking('the command line from an empty folder', ['tar'])

let registry: Registry
let env: Readonly<Record<string, string>>

before(async () => {
  if (skip !== false) return
  registry = await startRegistry()
  // Bun keeps what bunx installs in the folder for temporary files, for a day.
  env = { ...registry.env, TMPDIR: emptyFolder() }
})

after(() => registry?.close())

/** Starts a server that is the child of other programs, and ends all of them with the test. Resolves to its address and key. */
async function start(
  t: TestContext,
  [program = '', ...args]: readonly string[],
  cwd: string,
): Promise<{ readonly url: string; readonly key: string | null }> {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env, HEARTWOOD_LOG: 'off' },
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => process.kill(-child.pid!, 'SIGKILL'))
  let output = ''
  child.stdout.on('data', (chunk) => (output += String(chunk)))
  while (!/listens on \S+\n/.test(output)) await once(child.stdout, 'data')
  const [, url = ''] = /listens on (\S+)\n/.exec(output) ?? []
  return { url, key: /sk_live_\w+/.exec(output)?.[0] ?? null }
}

const ways: Readonly<Record<string, readonly string[]>> = {
  npx: ['npx', '--yes', 'heartwood'],
  'bunx --bun': ['bunx', '--bun', 'heartwood'],
  'deno run -A jsr:': ['deno', 'run', '-A', 'jsr:@heartwood/heartwood/cli'],
}

for (const [way, command] of Object.entries(ways))
  test(
    `${way}, in an empty folder: serves the API and its pages, and makes a master key`,
    { skip },
    async (t) => {
      const cwd = emptyFolder()
      const server = await start(t, [...command, 'serve', '--port', '0'], cwd)
      const app = { name: 'Desk', slug: 'desk' }
      assert.equal((await ask(server, '/apps', { key: server.key, body: app })).status, 201)
      for (const path of ['/api/health', '/dashboard', '/swagger/swagger-ui-bundle.js', '/swagger/json'])
        assert.equal((await fetch(server.url + path)).status, 200, path)
      assert.deepEqual(
        readdirSync(cwd).filter((name) => !name.startsWith('heartwood.')),
        [],
      )
      const { stdout } = await run([...command, 'secret', '--env'], { cwd, env })
      assert.match(stdout, /^HEARTWOOD_MASTER_KEY=[\w+/]{43}=\n$/)
    },
  )
