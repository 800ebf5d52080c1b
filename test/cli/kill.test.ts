import assert from 'node:assert/strict'
import process from 'node:process'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { emptyFolder, heartwood, startServer } from './heartwood.ts'
import { Load, lostOn, openShop } from './load.ts'

/** 100 by hand: `HEARTWOOD_TEST_KILLS=100 bun test test/cli/kill.test.ts`. */
const rounds = Number(process.env['HEARTWOOD_TEST_KILLS'] ?? 15)
const env = { HEARTWOOD_LOG: 'off', HEARTWOOD_RATE_LIMITS: 'off' }

function summary(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (part: number) => Math.round(sorted[Math.floor(part * (sorted.length - 1))] ?? 0)
  return `median ${at(0.5)} ms, 95 % ${at(0.95)} ms, longest ${at(1)} ms`
}

test(`heartwood serve: killed ${rounds} times under writes, it loses no acknowledged write`, async (t) => {
  const cwd = emptyFolder(t)
  let server = await startServer(t, { cwd, env })
  const { key } = server
  await openShop(server.url, key)
  const load = new Load(key)
  const starts: number[] = []
  for (let round = 0; round < rounds; round++) {
    const known = new Set(load.licenses.keys())
    load.start(server.url)
    await setTimeout(20 + Math.random() * 400)
    await server.stop('SIGKILL')
    await load.stop()
    const checked = await heartwood(['doctor'], { cwd, env })
    assert.equal(checked.code, 0, `${checked.stdout}${checked.stderr}`)
    const begun = performance.now()
    server = await startServer(t, { cwd, env })
    starts.push(performance.now() - begun)
    assert.equal(server.key, null)
    assert.deepEqual(await lostOn(server.url, key, load, known), [], `round ${round}`)
  }
  assert.deepEqual(await lostOn(server.url, key, load), [])
  assert.deepEqual(load.repeated, [])
  assert.equal((await heartwood(['doctor'], { cwd, env })).code, 0)
  const counts = [...load.statuses].map(([status, times]) => `${status}: ${times}`).join(', ')
  console.log(`${rounds} kills; ${load.licenses.size} licenses acknowledged, 0 lost; responses ${counts}`)
  console.log(`start: ${summary(starts)}`)
  await server.stop()
})
