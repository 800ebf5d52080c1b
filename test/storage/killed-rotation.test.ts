import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import process from 'node:process'
import { after, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { KeyChain } from '../../src/client/key-chain.ts'
import { createLicensing, type Licensing, type Storage } from '../../src/core/index.ts'
import { readStatement } from '../../src/core/token/statement.ts'
import { masterKey } from '../support/fixtures.ts'
import { testKeyPairs } from '../support/keys.ts'
import { inconsistencies } from './invariants.ts'
import { changes, giveRecoveryKey } from './killed-rotation.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'
import { slug } from './race-tasks.ts'
import { withFiles } from './temporary-folder.ts'
import { openTarget } from './two-servers.ts'

const database = await openTestDatabase()
after(() => database?.drop())

const script = fileURLToPath(new URL('killed-rotation.ts', import.meta.url))
const flags = 'Deno' in globalThis ? ['run', '-A', '--no-check', '--no-lock'] : []

/** Runs a change in another process. Resolves to the signal that killed it, or to its exit code. */
function run(...args: readonly string[]): Promise<string | number | null> {
  const child = spawn(process.execPath, [...flags, script, ...args], { stdio: 'inherit' })
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)))
}

/** Everything about the keys of the app. */
async function stateOf(storage: Storage): Promise<readonly unknown[]> {
  const app = (await storage.findApp(slug))!
  const deliveries = await storage.listDeliveries({ appId: app.id }, { limit: 100 })
  const statements = await storage.listKeyStatements(app.id)
  return [
    statements.length,
    app.recovery,
    await storage.listSigningKeys(app.id),
    statements,
    deliveries.length,
  ]
}

const expected = { issuer: 'license-server', audience: slug }

/** Reads the served key, then the statements, and walks them as a program with the first key does. */
async function walk(licensing: Licensing): Promise<void> {
  const [served] = (await licensing.apps.jwks(slug)).keys
  const trust = await licensing.apps.trust(slug)
  const first = await readStatement(trust.statements[0], expected)
  const chain = new KeyChain(expected, [first!])
  assert.deepEqual(await chain.offer(trust), { isAstray: false, conflict: null })
  assert.ok(
    chain.keys.some(({ kid }) => kid === served!.kid),
    'a key was served without its statement',
  )
}

/** Reads as long as `work` goes on. */
async function readMeanwhile<T>(licensing: Licensing, work: Promise<T>): Promise<T> {
  const reading = { isOver: false }
  const read = async (): Promise<void> => {
    while (!reading.isOver) {
      await walk(licensing)
      await setTimeout(20)
    }
  }
  const [outcome] = await Promise.all([work.finally(() => (reading.isOver = true)), read()])
  return outcome
}

/** Kills a process at each step of a change. Resolves to the number of kills before the commit. */
async function killEverywhere(target: string, name: string): Promise<number> {
  const storage = await openTarget(target)
  const licensing = await createLicensing({ storage, masterKey })
  let [kills, commits] = [0, 0]
  for (let step = 1; ; step++) {
    const before = await stateOf(storage)
    const ending = await readMeanwhile(licensing, run(target, name, `${step}`))
    assert.deepEqual(await inconsistencies({ storage, licensing }), [], `${name}, step ${step}`)
    await walk(licensing)
    const now = await stateOf(storage)
    if (now[0] === before[0]) assert.deepEqual(now, before, `${name}, step ${step}: all of it, or none`)
    else commits++
    if (ending === 0) break
    assert.equal(ending, 'SIGKILL')
    if (commits === 0) kills++
  }
  assert.equal(commits, 2, 'the process that was killed after its commit, and the one that lived')
  await storage.close()
  return kills
}

async function killEach(target: string): Promise<void> {
  const storage = await openTarget(target)
  const licensing = await createLicensing({ storage, masterKey })
  const app = { name: 'App', slug, webhookUrl: 'https://example.com/hook' }
  await licensing.apps.create(app, { keyPair: testKeyPairs[0]! })
  await giveRecoveryKey(licensing)
  await storage.close()
  for (const name of Object.keys(changes)) {
    const kills = await killEverywhere(target, name)
    assert.ok(kills >= 4, 'at the begin, before the key, before the event, before the commit')
  }
}

describe('succession: a process killed at each step leaves no key without its statement, and no reader sees one', () => {
  it('on SQLite', () => withFiles((nextFile) => killEach(nextFile())))

  it('on PostgreSQL', { skip: database === undefined && noPostgres }, async () =>
    killEach(await database!.emptied()),
  )
})
