import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { ask, emptyFolder, heartwood, sameRuntime, startServer, type RunningServer } from './heartwood.ts'

const env = { HEARTWOOD_LOG: 'off', HEARTWOOD_RATE_LIMITS: 'off' }
const app = 'desktop-app'
const installationId = '7f2c1e0a-5b7d-4c0e-9a53-0d6f3f1b2c4d'

interface StatsJson {
  readonly series: Readonly<Record<string, readonly number[]>>
  readonly snapshot: { readonly tiers: readonly object[] } | null
}

async function sellOne(server: RunningServer): Promise<void> {
  const post = (path: string, body: object) => ask(server, path, { key: server.key, body })
  await post('/apps', { name: 'App', slug: app })
  await post(`/apps/${app}/tiers`, { name: 'Pro', slug: 'pro' })
  const customer = await post(`/apps/${app}/customers`, { email: 'ada@example.com' })
  const { id } = ((await customer.json()) as { data: { id: string } }).data
  const terms = { customer_id: id, tier_id: 'pro', forever: true }
  await post(`/apps/${app}/licenses`, { ...terms, installation_id: installationId })
}

async function verify({ url }: RunningServer, times: number): Promise<void> {
  for (let call = 0; call < times; call++) {
    const path = `${url}/api/v1/apps/${app}/licenses/verify?installation_id=${installationId}`
    assert.equal((await fetch(path)).status, 200)
  }
}

/** A killed server keeps its claim of a snapshot for ten minutes. */
async function snapshotTaken(server: RunningServer, key: string | null): Promise<void> {
  for (;;) {
    const response = await ask(server, `/apps/${app}/stats`, { key })
    const { data } = (await response.json()) as { readonly data: StatsJson }
    if (data.snapshot !== null) return
    await setTimeout(20)
  }
}

test('heartwood stats: shows what servers wrote at their end; a kill loses no more than that', async (t) => {
  const cwd = emptyFolder(t)
  const way = sameRuntime
  const stats = async (): Promise<StatsJson> => {
    const { code, stdout, stderr } = await heartwood(['stats', app, '--json'], { cwd, env, way })
    assert.deepEqual([code, stderr], [0, ''])
    return JSON.parse(stdout) as StatsJson
  }
  const verified = async (): Promise<number> =>
    (await stats()).series['verify.ok']!.reduce((sum, count) => sum + count, 0)
  const first = await startServer(t, { cwd, env, way })
  await sellOne(first)
  await verify(first, 3)
  await first.stop()
  assert.equal(await verified(), 3)
  const second = await startServer(t, { cwd, env, way })
  await verify(second, 5)
  await snapshotTaken(second, first.key)
  await second.stop('SIGKILL')
  assert.equal(await verified(), 3)
  const third = await startServer(t, { cwd, env, way })
  await verify(third, 1)
  await third.stop()
  assert.equal(await verified(), 4)
  assert.deepEqual((await stats()).snapshot?.tiers, [{ tier: 'pro', active: 1, expired: 0, revoked: 0 }])
  const { stdout } = await heartwood(['stats', app, '--step', 'hour'], { cwd, env, way })
  assert.match(stdout, /^HOUR \(UTC\) +issued +verify\.ok\n/)
  assert.match(stdout, /\nLicenses as of [^\n]+Z:\nTIER +ACTIVE +EXPIRED +REVOKED\npro +1 +0 +0\n$/)
  const wrong = await heartwood(['stats', app, '--step', 'week'], { cwd, env, way })
  assert.equal(wrong.code, 2)
})
