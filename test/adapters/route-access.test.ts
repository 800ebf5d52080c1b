import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { routes } from '../../src/adapters/routes/index.ts'
import { onTables, type Tables } from '../support/all-tables.ts'
import { callRoute, inputFor } from './call-route.ts'
import { credentials, type Credential } from './credentials.ts'
import { newFixture, type Fixture } from './fixture.ts'
import { expectations, outcomes } from './route-expectations.ts'

async function checkRoute(
  fixture: Fixture,
  row: string,
  name: string,
  credential: Credential,
  stored: Tables,
): Promise<void> {
  const [audience, status] = expectations[row]!
  const input = await inputFor(fixture, row)
  const before = await stored()
  const response = await callRoute(fixture, row, input, credential)
  const outcome = response.status < 400 ? 'ok' : `${response.status} ${response.error().code}`
  assert.equal(outcome, outcomes[audience][name], `${row} with ${name}: ${response.text}`)
  if (outcome === 'ok') assert.equal(response.status, status, row)
  else assert.equal(await stored(), before, `${row} with ${name} changed something`)
}

describe('route table', () => {
  test('every route has an expectation', () => {
    const table = routes.map(({ method, path }) => `${method} ${path}`)
    assert.deepEqual(Object.keys(expectations).toSorted(), table.toSorted())
  })

  test('every audience has an outcome for every kind of credential', () => {
    for (const [audience, table] of Object.entries(outcomes))
      assert.deepEqual(Object.keys(table).toSorted(), Object.keys(credentials).toSorted(), audience)
  })

  for (const [name, make] of Object.entries(credentials))
    test(`${Object.keys(expectations).length} routes with ${name}: the documented outcome`, () =>
      onTables(async (storage, stored) => {
        const fixture = await newFixture({ storage })
        const credential: Credential = await make(fixture)
        for (const row of Object.keys(expectations)) await checkRoute(fixture, row, name, credential, stored)
      }))
})
