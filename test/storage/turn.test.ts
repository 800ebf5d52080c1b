import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { regularTurns, turn } from '../../src/storage/sqlite/turn.ts'

/** Keeps the event loop for longer than one caller may. */
function keepLoop(): void {
  const end = performance.now() + 12
  while (performance.now() < end);
}

/** Counts the turns of the event loop until `isOver`. */
async function countTurns(counter: { turns: number }, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await turn()
    counter.turns++
  }
}

describe('turns of the event loop', () => {
  it('come after a while, and not before', async () => {
    const giveWay = regularTurns()
    assert.equal(giveWay(), undefined)
    keepLoop()
    const waiting = giveWay()
    assert.ok(waiting instanceof Promise)
    await waiting
    assert.equal(giveWay(), undefined)
  })

  it('go to one caller each, in the order of the calls, so that many callers do not add up', async () => {
    const giveWay = regularTurns()
    const counter = { turns: 0 }
    const resumed: [caller: number, turn: number][] = []
    keepLoop()
    const callers = Array.from({ length: 5 }, async (_, caller) => {
      await giveWay()
      resumed.push([caller, counter.turns])
    })
    await countTurns(counter, () => resumed.length === 5)
    await Promise.all(callers)
    assert.deepEqual(
      resumed.map(([caller]) => caller),
      [0, 1, 2, 3, 4],
    )
    assert.equal(new Set(resumed.map(([, at]) => at)).size, 5)
  })
})
