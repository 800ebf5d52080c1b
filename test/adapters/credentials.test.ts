import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { routes } from '../../src/adapters/routes/index.ts'
import { callRoute, everything, givenFor } from './calls.ts'
import { credentials, newCounter, type Counter, type Shown } from './credentials.ts'
import { judgements, verdicts } from './judgements.ts'

async function judge(counter: Counter, row: string, credential: string, shown: Shown): Promise<void> {
  const [as, status] = judgements[row]!
  const given = await givenFor(counter, row)
  const before = await everything(counter.licensing)
  const answer = await callRoute(counter, row, given, shown)
  const ended = answer.status < 400 ? 'ok' : `${answer.status} ${answer.error().code}`
  assert.equal(ended, verdicts[as][credential], `${row} with ${credential}: ${answer.text}`)
  if (ended === 'ok') assert.equal(answer.status, status, row)
  else
    assert.equal(await everything(counter.licensing), before, `${row} with ${credential} changed something`)
}

describe('every route with every kind of credential', () => {
  test('each route is judged, and nothing else', () => {
    const table = routes.map(({ method, path }) => `${method} ${path}`)
    assert.deepEqual(Object.keys(judgements).toSorted(), table.toSorted())
  })

  test('each kind of credential is judged for every kind of route', () => {
    for (const [audience, table] of Object.entries(verdicts))
      assert.deepEqual(Object.keys(table).toSorted(), Object.keys(credentials).toSorted(), audience)
  })

  for (const [name, make] of Object.entries(credentials))
    test(`${Object.keys(judgements).length} routes with ${name}`, async () => {
      const counter = await newCounter()
      const shown: Shown = await make(counter)
      for (const row of Object.keys(judgements)) await judge(counter, row, name, shown)
    })
})
