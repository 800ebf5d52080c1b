import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { startServer } from '../cli/heartwood.ts'
import { lacking } from '../support/left-out.ts'
import { executable, problem } from './executable.ts'
import { emptyFolder, run } from './programs.ts'
import { serveVariables } from './serve-variables.ts'

const unit = readFileSync('deploy/heartwood.service', 'utf8')

let file: string

before(async () => {
  file = await executable()
})

/** The values of a setting of the unit, in their order. */
function settings(name: string): readonly string[] {
  return [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value)
}

/** The variables of the unit, with folders in place of those that systemd makes. */
function variables(state: string, credentials: string): Readonly<Record<string, string>> {
  const [directory = ''] = settings('StateDirectory')
  const filled = settings('Environment').map((text) =>
    text.replaceAll(`%S/${directory}`, state).replaceAll('%d', credentials),
  )
  return Object.fromEntries(filled.map((text) => [text.split('=')[0]!, text.slice(text.indexOf('=') + 1)]))
}

test('heartwood.service: its command serves from its state folder, with the key as a credential', async (t) => {
  const [state, credentials] = [emptyFolder(), emptyFolder()]
  const [credential = ''] = settings('LoadCredential')
  const key = join(credentials, credential.split(':')[0]!)
  writeFileSync(key, (await run([file, 'secret'])).stdout)
  chmodSync(key, 0o440)
  const [program, ...args] = settings('ExecStart')[0]!.split(' ')
  assert.equal(program, '/usr/local/bin/heartwood')
  const env = { ...variables(state, credentials), CREDENTIALS_DIRECTORY: credentials, HEARTWOOD_LOG: 'json' }
  const server = await startServer(t, { cwd: state, env, command: [file, ...args] })
  assert.notEqual(server.key, null)
  const { code, stderr } = await server.stop()
  assert.equal(code, 0)
  assert.doesNotMatch(stderr, problem)
  assert.deepEqual(readdirSync(state), ['heartwood.db'])
})

test('heartwood.service: the command of its head makes the master key, and keeps one that is there', async () => {
  const command = /^# +(.*master\.key)$/m.exec(unit)?.[1] ?? ''
  assert.ok(readFileSync('docs/deploy.md', 'utf8').includes(`\n${command}\n`))
  const [programs, etc] = [emptyFolder(), join(emptyFolder(), 'etc')]
  writeFileSync(join(programs, 'sudo'), '#!/bin/sh\nexec "$@"\n')
  chmodSync(join(programs, 'sudo'), 0o755)
  const env = { PATH: `${programs}:${process.env['PATH']}` }
  const make = (): Promise<unknown> => run(['sh', '-c', command.replaceAll('/etc/heartwood', etc)], { env })
  // Without the program, the file stays empty.
  await make()
  symlinkSync(file, join(programs, 'heartwood'))
  await make()
  const key = join(etc, 'master.key')
  const made = readFileSync(key, 'utf8')
  assert.match(made, /^\S{44}\n$/)
  assert.equal(statSync(key).mode & 0o777, 0o600)
  await make()
  assert.equal(readFileSync(key, 'utf8'), made)
})

test('heartwood.service, compose.yaml: a crash writes no memory with the master key to a disk', () => {
  assert.deepEqual(settings('LimitCORE'), ['0'])
  assert.match(readFileSync('compose.yaml', 'utf8'), /^ {4}ulimits: \{ core: 0 \}$/m)
})

test('heartwood.service: serve reads each variable that it sets', async () => {
  const known = await serveVariables()
  const names = Object.keys(variables('', ''))
  assert.notEqual(names.length, 0)
  assert.deepEqual(
    names.filter((name) => !known.includes(name)),
    [],
  )
})

const skip = lacking('the check of heartwood.service by systemd', ['systemd-analyze'])

/** A copy of the unit whose program is there. */
function installed(text = unit): string {
  const copy = join(emptyFolder(), 'heartwood.service')
  writeFileSync(copy, text.replaceAll('/usr/local/bin/heartwood', file))
  return copy
}

test(
  'systemd-analyze verify: accepts the unit without a word, and refuses a misspelt setting',
  { skip },
  async () => {
    const { stdout, stderr } = await run(['systemd-analyze', 'verify', '--man=no', installed()])
    assert.equal(stdout + stderr, '')
    const misspelt = installed(unit.replace('ProtectHome=', 'ProtectHomes='))
    const refused = await run(['systemd-analyze', 'verify', '--man=no', misspelt]).then(
      (output) => output.stdout + output.stderr,
      String,
    )
    assert.match(refused, /ProtectHomes/)
  },
)

test('systemd-analyze security: rates the exposure of the unit at most 1.5', { skip }, async (context) => {
  const { stdout } = await run([
    'systemd-analyze',
    'security',
    '--offline=true',
    '--threshold=15',
    installed(),
  ])
  context.diagnostic(/Overall exposure level.*/.exec(stdout)?.[0] ?? 'no level')
})
