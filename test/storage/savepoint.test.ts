import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PendingWrite } from '../../src/storage/kysely/commits.ts'
import { CommitQueue } from '../../src/storage/sqlite/commit-queue.ts'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import { kyselyOver } from '../../src/storage/sqlite/dialect.ts'
import { turn } from '../../src/storage/sqlite/turn.ts'
import { unavailable } from './unavailable.ts'

class Refused extends Error {}

/** A queue over a table of names, and the writes that it may get. */
interface Opened {
  run(write: PendingWrite<string>): Promise<string>
  /** A step that inserts the name, and then does the rest. */
  step(name: string, rest?: () => void): PendingWrite<string>
  /** A transaction that inserts the name, and then does the rest. */
  transaction(name: string, rest?: () => void): PendingWrite<string>
  /** Inserts a name that is taken. SQLite then rolls the whole transaction back, as on a full disk. */
  giveUp(): void
  names(): readonly string[]
  /** The number of savepoints so far. */
  savepoints(): number
}

async function withQueue(work: (opened: Opened) => Promise<void>): Promise<void> {
  const connection = await openConnection(':memory:', { readonly: false })
  connection.exec("create table item (name text primary key); insert into item values ('taken')")
  let savepoints = 0
  const prepare: typeof connection.prepare = (sql) => {
    if (sql.startsWith('savepoint')) savepoints++
    return connection.prepare(sql)
  }
  const queue = new CommitQueue(kyselyOver(connection), { ...connection, prepare })
  const insert = (name: string, rest: (() => void) | undefined): string => {
    connection.prepare('insert into item values (?)').run([name])
    rest?.()
    return name
  }
  await work({
    run: (write) => queue.run(write),
    step: (name, rest) => ({
      mayShare: true,
      alone: async () => insert(name, rest),
      step: () => insert(name, rest),
    }),
    transaction: (name, rest) => ({
      mayShare: true,
      alone: async () => insert(name, rest),
      within: async () => {
        await Promise.resolve()
        return insert(name, rest)
      },
    }),
    giveUp: () => void connection.prepare("insert or rollback into item values ('taken')").run([]),
    names: () =>
      connection
        .prepare("select name from item where name <> 'taken' order by name")
        .all([])
        .map((row) => (row as { readonly name: string }).name),
    savepoints: () => savepoints,
  })
  connection.close()
}

const refuse = (): never => {
  throw new Refused()
}

/** A small letter is a step, and a capital one is a transaction. Those with a mark throw after their insert. */
type Sequence = readonly string[]

const sequences: Readonly<Record<string, Sequence>> = {
  'steps alone': ['a', 'b', 'c'],
  'one fails, between two others': ['a', 'b!', 'c'],
  'the first fails': ['a!', 'b', 'c'],
  'the last fails': ['a', 'b', 'c!'],
  'two fail': ['a', 'b!', 'c', 'd!', 'e'],
  'all fail': ['a!', 'b!', 'c!'],
  'steps between two transactions': ['A', 'b', 'c', 'D'],
  'one fails, between two transactions': ['A', 'b', 'c!', 'd', 'E'],
  'transactions fail around steps': ['A!', 'b', 'c!', 'D!', 'e', 'F'],
}

function pendingOf({ step, transaction }: Opened, letter: string): PendingWrite<string> {
  const [name = '', mark] = letter
  const rest = mark === '!' ? refuse : undefined
  return name === name.toUpperCase() ? transaction(name, rest) : step(name, rest)
}

describe('SQLite storage: steps that share a savepoint', () => {
  for (const [name, letters] of Object.entries(sequences))
    it(`are undone if they fail, and alone, and told in the order of the calls: ${name}`, () =>
      withQueue(async (opened) => {
        const told: string[] = []
        const tell = async (letter: string): Promise<void> => {
          const outcome = await opened.run(pendingOf(opened, letter)).catch((error: unknown) => {
            assert.ok(error instanceof Refused)
            return `${letter.charAt(0)}!`
          })
          told.push(outcome)
        }
        // The first write runs at once. The others wait for it, and share a commit.
        await Promise.all(['0', ...letters].map(tell))
        assert.deepEqual(told, ['0', ...letters])
        assert.deepEqual(opened.names(), ['0', ...letters.filter((letter) => letter.length === 1)].toSorted())
      }))

  it('take fewer savepoints than there are steps', () =>
    withQueue(async ({ run, step, savepoints, names }) => {
      const all = Array.from({ length: 33 }, (_, at) => `${at}`)
      await Promise.all(all.map((name) => run(step(name))))
      assert.equal(names().length, 33)
      assert.ok(savepoints() < 16, `${savepoints()} savepoints`)
    }))

  it('fail with their whole group if SQLite rolls the transaction back by itself, and later ones succeed', () =>
    withQueue(async ({ run, step, transaction, giveUp, names }) => {
      const alone = run(step('a'))
      const writes = [step('b'), step('c', giveUp), step('d'), transaction('e'), step('f')]
      const outcomes = await Promise.allSettled(writes.map(run))
      assert.equal(await alone, 'a')
      for (const outcome of outcomes)
        assert.ok(outcome.status === 'rejected' && unavailable(/gave the transaction up/)(outcome.reason))
      assert.deepEqual(names(), ['a'])
      await Promise.all([step('g'), step('h'), step('i')].map(run))
      assert.deepEqual(names(), ['a', 'g', 'h', 'i'])
    }))

  for (const kind of ['step', 'transaction'] as const)
    it(`leave a turn of the event loop between two that keep it: ${kind}`, () =>
      withQueue(async ({ run, [kind]: write }) => {
        const counter = { turns: 0, isOver: false }
        const counting = (async () => {
          for (; !counter.isOver; counter.turns++) await turn()
        })()
        const ranIn: number[] = []
        const keepLoop = (): void => {
          ranIn.push(counter.turns)
          const end = performance.now() + 1.5
          while (performance.now() < end);
        }
        await Promise.all(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => run(write(name, keepLoop))))
        counter.isOver = true
        await counting
        assert.equal(new Set(ranIn).size, 8, `turns ${ranIn.join()}`)
      }))
})
