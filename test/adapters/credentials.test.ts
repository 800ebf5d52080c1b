import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { routes } from '../../src/adapters/routes.ts'
import type { Licensing } from '../../src/core/index.ts'
import { callRoute, givenFor } from './calls.ts'
import { credentials, newCounter, type Counter, type Shown } from './credentials.ts'
import { judgements, verdicts } from './judgements.ts'

/** Everything that is stored, but for when keys were last used. */
async function everything({
  apps,
  tiers,
  features,
  customers,
  licenses,
  apiKeys,
}: Licensing): Promise<string> {
  const inApps = (await apps.list({ perPage: 100 })).data.map(async (app) => [
    ...[app, (await tiers.list(app.id)).data, (await features.list(app.id)).data],
    ...[(await customers.list(app.id)).data, (await licenses.list(app.id)).data],
  ])
  const keys = (await apiKeys.list({ perPage: 100 })).data.map((key) => ({ ...key, lastUsedAt: null }))
  return JSON.stringify([await Promise.all(inApps), keys])
}

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
