import assert from 'node:assert/strict'
import { test } from 'node:test'
import { licensingServer } from '../../src/adapters/elysia.ts'
import { rateLimiter } from '../../src/adapters/http/rate-limit.ts'
import { newWorld } from '../support/fixtures.ts'

type Ask = (address: string) => Promise<number>

const windowMs = 60_000
const crowd = (at: number): string => `2a00:${at % 2}:0:${Math.floor(at / 2).toString(16)}::1`

/** Asks as a crowd does, then as others do. Resolves to the statuses of the others. */
async function askAll(ask: Ask): Promise<readonly number[]> {
  for (let at = 0; at < 100_000; at++) await ask(crowd(at))
  const others = Array.from({ length: 20 }, (_, at) => [`8.8.${at}.1`, `2a01:${at}::1`]).flat()
  const sameNetwork = ['9.9.9.1', '9.9.9.2', '9.9.9.3', '9.9.8.1']
  const moreOfTheCrowd = [crowd(100_000), crowd(100_002), crowd(100_004), crowd(0)]
  const statuses: number[] = []
  for (const address of [...others, ...sameNetwork, ...moreOfTheCrowd]) statuses.push(await ask(address))
  return statuses
}

test('100,000 addresses use up the counts of their own networks only', async () => {
  const { licensing } = await newWorld()
  const clientAddress = (request: Request): string | null => request.headers.get('x-socket')
  for (;;) {
    const app = licensingServer(licensing, { rateLimits: { verify: 2 }, clientAddress })
    const startedAt = performance.now()
    const statuses = await askAll(async (address) => {
      const headers = { 'x-socket': address }
      const request = new Request('http://localhost/api/v1/apps/a/licenses/verify', { headers })
      return (await app.fetch(request)).status
    })
    // On a slow machine, the minute ended meanwhile and the counts began anew.
    if (performance.now() - startedAt > windowMs) continue
    const networks = [422, 422, 429, 422]
    assert.deepEqual(statuses, [...Array.from({ length: 40 }, () => 422), ...networks, ...networks])
    return
  }
})

test('a limit by license counts no more than 100,000 licenses, and lets the others pass', () => {
  const limiter = rateLimiter({ renewalPerLicense: 1 })
  for (let at = 0; at < 100_000; at++) limiter.consume('renewalPerLicense', `lic_${at}`)
  for (let at = 0; at < 3; at++) assert.deepEqual(limiter.consume('renewalPerLicense', 'lic_new'), {})
  assert.throws(() => limiter.consume('renewalPerLicense', 'lic_7'), { code: 'rate_limited' })
})
