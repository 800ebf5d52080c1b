import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { test, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { DeletionRecord, Storage } from '../../src/core/index.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { emptyFolder, heartwood, startServer } from './heartwood.ts'
import { seed, seededApp, seedEnvironment as env } from './seed.ts'

/** Ten of eleven licenses have the tier: somewhat more than one transaction deletes. */
const count = 5_510

async function withStorage<T>(filename: string, work: (storage: Storage) => Promise<T>): Promise<T> {
  const storage = await sqliteStorage({ filename })
  try {
    return await work(storage)
  } finally {
    await storage.close()
  }
}

/** Begins a deletion in a process that is killed in the middle of it. Resolves to the deletion that it left. */
async function leaveDeletion(filename: string, kind: 'tier' | 'app'): Promise<DeletionRecord> {
  const flags = 'Deno' in globalThis ? ['run', '-A', '--no-check', '--no-lock'] : []
  const script = resolve('test/cli/killed-deletion.ts')
  const child = spawn(process.execPath, [...flags, script, filename, kind], { stdio: 'inherit' })
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
  assert.equal(signal, 'SIGKILL')
  const [left, ...more] = await withStorage(filename, (storage) => storage.listDeletions())
  assert.deepEqual([left?.kind, more], [kind, []])
  return left!
}

/** Records of the audit log outlive what they tell of. */
const ofLog = /^\{"audit/

/** Exports the file, and imports that into a new one. Returns the exported records without those of the audit log. */
async function backUp(cwd: string, name: string): Promise<string> {
  for (const args of [
    ['doctor', '--database', 'from.db'],
    ['export', `${name}.ndjson`, '--database', 'from.db'],
    ['import', `${name}.ndjson`, '--database', `${name}.db`],
    ['doctor', '--database', `${name}.db`],
  ]) {
    const { code, stdout, stderr } = await heartwood(args, { cwd, env })
    assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`)
  }
  const lines = readFileSync(join(cwd, `${name}.ndjson`), 'utf8').split('\n')
  return lines.filter((line) => !ofLog.test(line)).join('\n')
}

/** Starts a server, and stops it once it has finished the deletion. */
async function finishByServer(t: TestContext, cwd: string): Promise<void> {
  const server = await startServer(t, { cwd, env }, ['--database', 'from.db'])
  await withStorage(join(cwd, 'from.db'), async (storage) => {
    while ((await storage.listDeletions()).length > 0) await setTimeout(20)
  })
  await server.stop()
}

test('a process is killed while it deletes a tier and an app: the next server finishes', async (t) => {
  const cwd = emptyFolder(t)
  const filename = join(cwd, 'from.db')
  const tierId = await withStorage(filename, async (storage) => {
    const licensing = await seed(storage, count)
    return (await licensing.tiers.get(seededApp, 'pro')).id
  })
  const { appId } = await leaveDeletion(filename, 'tier')
  assert.equal((await backUp(cwd, 'tier')).includes(tierId), false)
  await finishByServer(t, cwd)
  await withStorage(filename, async (storage) => {
    assert.equal(await storage.countLicenses({ appId, now: 0 }), count)
    assert.equal(await storage.countLicenses({ appId, tierId, now: 0 }), 0)
  })
  await leaveDeletion(filename, 'app')
  assert.equal((await backUp(cwd, 'app')).includes(appId), false)
  await finishByServer(t, cwd)
  await withStorage(filename, async (storage) => {
    assert.equal(await storage.countLicenses({ appId, now: 0 }), 0)
    assert.equal(await storage.countCustomers({ appId }), 0)
  })
  assert.equal((await heartwood(['doctor', '--database', 'from.db'], { cwd, env })).code, 0)
})
