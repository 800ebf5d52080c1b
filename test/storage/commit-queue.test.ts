import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { Storage, StorageSession } from '../../src/core/index.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { addApp, newCustomer, newInstallation } from '../../src/testing/storage-cases/records.ts'
import { entryIn } from './audit-rows.ts'
import { withFiles } from './temporary-folder.ts'
import { unavailable } from './unavailable.ts'

/** The number of commits in a write-ahead log: the last frame of a commit states the size of the database. */
function commitsIn(filename: string): number {
  const log = readFileSync(`${filename}-wal`)
  const frameSize = 24 + log.readUInt32BE(8)
  let commits = 0
  for (let at = 32; at + frameSize <= log.length; at += frameSize) if (log.readUInt32BE(at + 4) > 0) commits++
  return commits
}

interface Opened {
  readonly storage: Storage
  readonly appId: string
  /** The number of commits so far. */
  readonly commits: () => number
}

function withStorage(work: (opened: Opened) => Promise<void>): Promise<void> {
  return withFiles(async (nextFile) => {
    const filename = nextFile()
    const storage = await sqliteStorage({ filename })
    const { id: appId } = await addApp(storage)
    await work({ storage, appId, commits: () => commitsIn(filename) })
    await storage.close()
  })
}

const concurrently = <T>(
  count: number,
  call: (at: number) => Promise<T>,
): Promise<PromiseSettledResult<T>[]> =>
  Promise.allSettled(Array.from({ length: count }, (_, at) => call(at)))

class Refused extends Error {}

/** Lets nothing else run for so many milliseconds. */
function keepLoop(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

/** The ways in which a caller writes a customer. */
const ways = {
  'a verb': (storage: Storage, appId: string) => storage.insertCustomer(newCustomer(appId)),
  'a transaction': (storage: Storage, appId: string) =>
    storage.transaction((tx) => tx.insertCustomer(newCustomer(appId))),
}

describe('SQLite storage: writes that wait for the same turn', () => {
  for (const [way, insert] of Object.entries(ways))
    it(`share few commits: ${way}`, () =>
      withStorage(async ({ storage, appId, commits }) => {
        const before = commits()
        const outcomes = await concurrently(100, () => insert(storage, appId))
        assert.ok(outcomes.every(({ status }) => status === 'fulfilled'))
        assert.equal(await storage.countCustomers({ appId }), 100)
        assert.ok(commits() - before <= 50, `${commits() - before} commits for 100 writes`)
      }))

  it('a transaction that runs alone shares no commit', () =>
    withStorage(async ({ storage, appId, commits }) => {
      const before = commits()
      await concurrently(20, () =>
        storage.transaction((tx) => tx.insertCustomer(newCustomer(appId)), { alone: true }),
      )
      assert.equal(commits() - before, 20)
    }))

  it('a transaction that throws is undone alone, and its error comes out unchanged', () =>
    withStorage(async ({ storage, appId }) => {
      const refused = new Refused()
      const outcomes = await concurrently(40, (at) =>
        storage.transaction(async (tx) => {
          await tx.insertCustomer(newCustomer(appId))
          if (at % 4 === 3) throw refused
          return at
        }),
      )
      for (const [at, outcome] of outcomes.entries())
        assert.deepEqual(
          outcome,
          at % 4 === 3 ? { status: 'rejected', reason: refused } : { status: 'fulfilled', value: at },
        )
      assert.equal(await storage.countCustomers({ appId }), 30)
    }))

  it('a write that is refused leaves its neighbours', () =>
    withStorage(async ({ storage, appId }) => {
      const outcomes = await concurrently(40, (at) =>
        storage.insertCustomer(newCustomer(at % 4 === 3 ? 'app_gone' : appId)),
      )
      const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'ok'))
      assert.deepEqual(
        codes.filter((code) => code !== 'ok'),
        Array(10).fill('not_found'),
      )
      assert.equal(await storage.countCustomers({ appId }), 30)
    }))

  it('a write whose entry is refused is undone with it, and leaves its neighbours', () =>
    withStorage(async ({ storage, appId }) => {
      await storage.insertAuditEntries([entryIn(0)])
      const outcomes = await concurrently(40, (at) =>
        storage.insertCustomer(newCustomer(appId), entryIn(at % 4 === 3 ? 0 : at + 1)),
      )
      for (const [at, outcome] of outcomes.entries())
        assert.equal(
          outcome.status === 'rejected' ? outcome.reason.code : 'ok',
          at % 4 === 3 ? 'conflict' : 'ok',
        )
      assert.equal(await storage.countCustomers({ appId }), 30)
      assert.equal((await storage.listAuditEntries({}, { limit: 99 })).length, 31)
    }))

  it('each sees the writes before it, and one of several for the same unique value wins', () =>
    withStorage(async ({ storage, appId }) => {
      const outcomes = await concurrently(32, () =>
        storage.insertCustomer(
          newCustomer(appId, { email: 'ada@example.com', foldedEmail: 'ada@example.com' }),
        ),
      )
      const won = outcomes.filter((outcome) => outcome.status === 'fulfilled' && outcome.value)
      assert.equal(won.length, 1)
    }))

  it('leave a turn of the event loop between two commits', () =>
    withStorage(async ({ storage, appId, commits }) => {
      let turns = 0
      let isCounting = true
      const count = (): void => {
        turns++
        if (isCounting) setImmediate(count)
      }
      const before = commits()
      count()
      // Each write follows the one before it, without a turn of its own. More of them would begin the log anew.
      for (let made = 0; made < 20; made++) await storage.insertCustomer(newCustomer(appId))
      isCounting = false
      assert.equal(commits() - before, 20)
      assert.ok(turns >= 19, `${turns} turns`)
    }))

  it('leave a turn of the event loop between two writes of one commit', () =>
    withStorage(async ({ storage, appId }) => {
      let turns = 0
      let isCounting = true
      const count = (): void => {
        turns++
        if (isCounting) setImmediate(count)
      }
      count()
      const settled: number[] = []
      await concurrently(32, async () => {
        await storage.insertCustomer(newCustomer(appId))
        settled.push(turns)
      })
      isCounting = false
      // The writes of one commit settle together. Those of the first one waited for nothing else.
      const [first = 0] = settled
      const shared = settled.filter((turn) => turn === first).length
      assert.ok(shared > 1, `${shared} writes in a commit`)
      assert.ok(first >= shared - 1, `${first} turns, ${shared} writes`)
    }))

  it('go on while a false clock has the place of the timers', () =>
    withStorage(async ({ storage, appId }) => {
      const { setImmediate, setTimeout } = globalThis
      const limit = new Promise((resolve) => setTimeout(resolve, 2_000, 'waiting'))
      const never = (): number => 0
      Object.assign(globalThis, { setImmediate: never, setTimeout: never })
      const writes = (async () => {
        for (let made = 0; made < 3; made++) await storage.insertCustomer(newCustomer(appId))
        // After a group that took some milliseconds, the queue sleeps until others arrive.
        await concurrently(3, () =>
          storage.transaction((tx) => {
            const inserted = tx.insertCustomer(newCustomer(appId))
            keepLoop(3)
            return inserted
          }),
        )
        await storage.insertCustomer(newCustomer(appId))
        return 'written'
      })()
      const outcome = await Promise.race([writes, limit]).finally(() =>
        Object.assign(globalThis, { setImmediate, setTimeout }),
      )
      assert.equal(outcome, 'written')
    }))

  it('go on if a false clock stands still from a moment on in which the queue gathers writes', () =>
    withStorage(async ({ storage, appId }) => {
      const crowd = () => concurrently(8, () => storage.insertCustomer(newCustomer(appId)))
      await crowd()
      await crowd()
      const real = performance.now
      performance.now = () => 0
      const write = storage.insertCustomer(newCustomer(appId)).then(() => 'written')
      const limit = new Promise((resolve) => setTimeout(resolve, 2_000, 'waiting'))
      const outcome = await Promise.race([write, limit]).finally(() => (performance.now = real))
      assert.equal(outcome, 'written')
    }))

  it('no write waits for a transaction that never settles, and the transaction writes nothing afterwards', () =>
    withStorage(async ({ storage, appId }) => {
      const wake = Promise.withResolvers<void>()
      let late: Promise<unknown> = Promise.resolve()
      const hung = storage.transaction((tx) => {
        const work = wake.promise.then(() => tx.insertCustomer(newCustomer(appId)))
        late = work.catch((error: unknown) => error)
        return work
      })
      const [hanging, other] = await Promise.allSettled([hung, storage.insertCustomer(newCustomer(appId))])
      assert.ok(hanging.status === 'rejected' && unavailable(/took too long/)(hanging.reason))
      assert.deepEqual(other, { status: 'fulfilled', value: true })
      wake.resolve()
      assert.ok(unavailable(/is over/)(await late))
      assert.equal(await storage.countCustomers({ appId }), 1)
    }))

  it('a transaction that overlaps itself after it has settled writes nothing into those of others', () =>
    withStorage(async ({ storage, appId }) => {
      const late: Promise<unknown>[] = []
      await concurrently(8, () =>
        storage.transaction(async (tx) => {
          const forgotten = new Promise((resolve) => setTimeout(resolve, 5)).then(() =>
            tx.insertCustomer(newCustomer(appId)),
          )
          late.push(forgotten.catch((error: unknown) => error))
        }),
      )
      for (const error of await Promise.all(late)) assert.ok(unavailable(/is over/)(error))
      assert.equal(await storage.countCustomers({ appId }), 0)
    }))

  it('a long transaction leaves turns of the event loop', () =>
    withStorage(async ({ storage, appId }) => {
      let turns = 0
      const timer = setInterval(() => turns++, 1)
      const end = performance.now() + 100
      const work = async (tx: StorageSession): Promise<void> => {
        while (performance.now() < end) await tx.insertCustomer(newCustomer(appId))
      }
      await storage.transaction(work, { alone: true })
      clearInterval(timer)
      assert.ok(turns > 1, `${turns} turns`)
    }))

  it('share few commits, although each caller reads first and something has kept the event loop', () =>
    withStorage(async ({ storage, appId, commits }) => {
      const before = commits()
      const renew = async (): Promise<void> => {
        await storage.findCustomerByExternalId(appId, newInstallation())
        await storage.insertCustomer(newCustomer(appId))
      }
      for (let round = 0; round < 4; round++) {
        keepLoop(20)
        await concurrently(16, renew)
      }
      assert.equal(await storage.countCustomers({ appId }), 64)
      assert.ok(commits() - before <= 32, `${commits() - before} commits for 64 writes`)
    }))

  it('a loop over reads leaves turns of the event loop', () =>
    withStorage(async ({ storage, appId }) => {
      let turns = 0
      const timer = setInterval(() => turns++, 1)
      const end = performance.now() + 100
      while (performance.now() < end) await storage.findCustomerByExternalId(appId, newInstallation())
      clearInterval(timer)
      assert.ok(turns > 1, `${turns} turns`)
    }))
})
