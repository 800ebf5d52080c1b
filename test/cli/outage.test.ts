import assert from 'node:assert/strict'
import process from 'node:process'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { noPostgres, reportNone } from '../storage/postgres-database.ts'
import { startServer as startPostgres, type PostgresServer } from '../storage/postgres-server.ts'
import { masterKey } from '../support/fixtures.ts'
import { emptyFolder, heartwood, startServer } from './heartwood.ts'
import { Load, loadedApp, lostOn, openShop } from './load.ts'

/** 20 by hand: `HEARTWOOD_TEST_STOPS=20 bun test test/cli/outage.test.ts`. */
const rounds = Number(process.env['HEARTWOOD_TEST_STOPS'] ?? 4)

let postgres: PostgresServer | undefined
before(async () => {
  postgres = await startPostgres()
  if (postgres === undefined) reportNone()
})
after(() => postgres?.end())

/** Waits until a write is stored again. Resolves to the milliseconds. */
async function waitForRecovery(load: Load): Promise<number> {
  const begun = performance.now()
  const stored = load.licenses.size
  while (load.licenses.size === stored) {
    if (performance.now() - begun > 30_000) throw new Error('No write is stored again')
    await setTimeout(5)
  }
  return Math.round(performance.now() - begun)
}

test(`heartwood serve: ${rounds} hard stops of PostgreSQL give 503 and lose no acknowledged write`, async (t) => {
  if (postgres === undefined) return t.skip(noPostgres)
  const cwd = emptyFolder(t)
  const env = {
    HEARTWOOD_DATABASE: postgres.url,
    HEARTWOOD_MASTER_KEY: masterKey,
    HEARTWOOD_LOG: 'off',
    HEARTWOOD_RATE_LIMITS: 'off',
  }
  const server = await startServer(t, { cwd, env })
  await openShop(server.url, server.key)
  const load = new Load(server.key)
  const recoveries: number[] = []
  for (let round = 0; round < rounds; round++) {
    const known = new Set(load.licenses.keys())
    load.start(server.url)
    await setTimeout(50 + Math.random() * 500)
    await postgres.stop('immediate')
    const away = await fetch(`${server.url}/api/v1/apps/${loadedApp}/public-key`)
    assert.equal(away.status, 503)
    await setTimeout(Math.random() * 300)
    await postgres.start()
    recoveries.push(await waitForRecovery(load))
    await load.stop()
    assert.deepEqual(await lostOn(server.url, server.key, load, known), [], `round ${round}`)
  }
  assert.deepEqual(await lostOn(server.url, server.key, load), [])
  assert.deepEqual(load.repeated, [])
  const checked = await heartwood(['doctor'], { cwd, env })
  assert.equal(checked.code, 0, `${checked.stdout}${checked.stderr}`)
  const counts = [...load.statuses].map(([status, times]) => `${status}: ${times}`).join(', ')
  console.log(`${rounds} stops; ${load.licenses.size} licenses acknowledged, 0 lost; responses ${counts}`)
  console.log(`stored again after ${recoveries.join(', ')} ms`)
  const allowed = new Set<number | 'none'>([200, 201, 503])
  assert.deepEqual(
    [...load.statuses.keys()].filter((status) => !allowed.has(status)),
    [],
  )
  await server.stop()
})
