import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { newWorld, start } from '../../support/fixtures.ts'
import { cases } from './cases.ts'
import { newDesk, type Desk } from './desk.ts'
import { judge } from './judge.ts'

describe('diagnose(): everything that customers send', () => {
  let desk: Desk
  before(async () => {
    desk = await newDesk(await newWorld(), start)
  })
  for (const each of cases)
    test(each.name, async () => {
      const diagnosis = await desk.world.licensing.diagnose({ text: await each.text(desk) })
      judge(diagnosis, each)
    })

  test('the same text again gives the same, and changes nothing', async () => {
    const text = desk.tokens['good']!
    const { licensing } = desk.world
    assert.deepEqual(await licensing.diagnose({ text }), await licensing.diagnose({ text }))
  })
})
