import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { it } from 'node:test'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { inconsistencies, type Server } from './invariants.ts'
import { anything, codeOf, furnish, randomFrom, serverOn, slug } from './race-tasks.ts'
import { withFiles } from './temporary-folder.ts'
import { installation } from '../support/fixtures.ts'

// Many changes on one runtime: SQLite itself writes the log, on every runtime.
const changes = 'Bun' in globalThis ? 60 : 30

const headerSize = 32
const frameHeaderSize = 24

interface Log {
  readonly bytes: Uint8Array
  readonly frameSize: number
  readonly frames: number
}

function readLog(filename: string): Log {
  const bytes = readFileSync(filename)
  const frameSize = frameHeaderSize + bytes.readUInt32BE(8)
  return { bytes, frameSize, frames: Math.floor((bytes.length - headerSize) / frameSize) }
}

/**
 * Changes a database at random, with so many changes at a time. A reader of the old state keeps all changes in the log.
 */
async function changeAtRandom(filename: string, customerId: string, atOnce: number): Promise<string[]> {
  const reader = await openConnection(filename, { readonly: true })
  reader.exec('begin')
  reader.first('select * from heartwood_app', [])
  const server = await serverOn(await sqliteStorage({ filename }), 0)
  const random = randomFrom(7)
  const codes: string[] = []
  for (let change = 0; change < changes; change += atOnce) {
    // Changes at random would mostly refuse each other if they ran at once.
    const burst = Array.from({ length: atOnce }, (_, at) =>
      codeOf(atOnce === 1 ? anything(server, customerId, random) : issue(server, customerId, change + at)),
    )
    codes.push(...(await Promise.all(burst)))
  }
  copyFileSync(`${filename}-wal`, `${filename}-log`)
  reader.exec('rollback')
  reader.close()
  await server.storage.close()
  return codes
}

function issue({ licensing }: Server, customerId: string, number: number): Promise<unknown> {
  const license = { installationId: installation(number), customerId, tierId: 'pro', durationDays: 30 }
  return licensing.licenses.create(slug, license)
}

/** The whole content of the database, which identifies its state. */
async function stateOf({ storage }: Server): Promise<string> {
  const [app] = await storage.listApps({}, { limit: 1 })
  const keys = await storage.listSigningKeys(app!.id)
  const statements = await storage.listKeyStatements(app!.id)
  return JSON.stringify([
    keys,
    statements,
    await storage.listLicenses({ appId: app!.id, now: 0 }, { limit: 999 }),
  ])
}

/** Opens the database in the state after a crash that left only `log`. */
async function openCut<T>(base: string, log: Uint8Array, work: (server: Server) => Promise<T>): Promise<T> {
  const filename = `${base}-cut`
  copyFileSync(base, filename)
  writeFileSync(`${filename}-wal`, log)
  const server = await serverOn(await sqliteStorage({ filename }), 0)
  try {
    return await work(server)
  } finally {
    await server.storage.close()
    for (const rest of ['', '-wal', '-shm']) rmSync(`${filename}${rest}`, { force: true })
  }
}

interface Cuts {
  /** The outcome of each change. */
  readonly codes: readonly string[]
  readonly frames: number
  /** The states after each cut, with their inconsistencies. */
  readonly states: ReadonlyMap<string, readonly string[]>
}

/** Cuts the log of many changes at every frame, and inside every frame. */
async function cutEverywhere(nextFile: () => string, atOnce: number): Promise<Cuts> {
  const filename = nextFile()
  const first = await serverOn(await sqliteStorage({ filename }), 0)
  const customerId = await furnish(first)
  await first.storage.close()
  const base = nextFile()
  copyFileSync(filename, base)
  const codes = await changeAtRandom(filename, customerId, atOnce)
  const { bytes, frameSize, frames } = readLog(`${filename}-log`)
  const states = new Map<string, readonly string[]>()
  for (let half = 0; half <= 2 * frames; half++) {
    const length = headerSize + Math.floor((half * frameSize) / 2)
    await openCut(base, bytes.subarray(0, length), async (server) => {
      const state = await stateOf(server)
      if (!states.has(state)) states.set(state, await inconsistencies(server))
    })
  }
  return { codes, frames, states }
}

it('SQLite: a log cut at any frame, or inside one, leaves a consistent database', () =>
  withFiles(async (nextFile) => {
    const { codes, frames, states } = await cutEverywhere(nextFile, 1)
    assert.deepEqual([...states.values()].flat(), [])
    const stored = codes.filter((code) => code === 'ok').length
    assert.ok(frames > stored, 'the log has more frames than changes')
    assert.equal(states.size, 1 + stored)
    const activeKeys = [...states.keys()].map((state) => JSON.parse(state)[0][0].kid)
    assert.ok(new Set(activeKeys).size > 1, 'some of the changes are rotations')
  }))

it('SQLite: a log cut inside a commit that several changes share leaves all of them or none', () =>
  withFiles(async (nextFile) => {
    const { codes, states } = await cutEverywhere(nextFile, 10)
    assert.deepEqual([...states.values()].flat(), [])
    const stored = codes.filter((code) => code === 'ok').length
    assert.equal(stored, codes.length)
    assert.ok(states.size > 1)
    assert.ok(states.size < 1 + stored, `${states.size} states after ${stored} changes`)
  }))
