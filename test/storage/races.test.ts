import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { installation } from '../support/fixtures.ts'
import { inconsistencies } from './invariants.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'
import { furnish, slug } from './race-tasks.ts'
import { withFiles } from './temporary-folder.ts'
import { type TwoServers, withTwoServers } from './two-servers.ts'

// Many rounds on one runtime. A few on the others show that their drivers behave alike.
const rounds = 'Bun' in globalThis ? 30 : 4

const database = await openTestDatabase()
after(() => database?.drop())

type Race = (servers: TwoServers) => Promise<void>

const countOf = (codes: readonly string[], code: string): number =>
  codes.filter((other) => other === code).length

/** Repeats a race, each time with another number. */
async function again(first: number, race: (number: number) => Promise<void>): Promise<void> {
  for (let round = 0; round < rounds; round++) await race(first + round)
}

const races: Readonly<Record<string, Race>> = {
  'updateLicense(): one of 16 changes to one version wins': async ({ licensing, storage, both }) => {
    const customerId = await furnish({ licensing, storage })
    const app = await storage.findApp(slug)
    const { id } = await licensing.licenses.create(slug, {
      installationId: installation(1),
      customerId,
      tierId: 'pro',
      durationDays: 30,
    })
    await again(1, async (version) => {
      assert.equal((await storage.findLicense(app!.id, id))?.version, version)
      const [ours, theirs] = await both('change', { id, version })
      assert.equal(ours + theirs, 1)
    })
  },

  'rotateKeys(): 8 rotations leave one active key': async (servers) => {
    // Each round has an app of its own, because a retired pair never signs for its app again.
    await again(0, async (number) => {
      const { slug: app } = await servers.licensing.apps.create({ name: 'App', slug: `app-${number}` })
      const codes = (await servers.both('rotate', app)).flat()
      assert.ok(countOf(codes, 'ok') > 0)
      assert.equal(countOf(codes, 'ok') + countOf(codes, 'conflict'), 8)
      assert.deepEqual(await inconsistencies(servers), [])
    })
  },

  'licenses.create(): one of 8 calls for one installation issues': async (servers) => {
    const customerId = await furnish(servers)
    await again(1, async (number) => {
      const codes = (await servers.both('issue', { customerId, number })).flat()
      assert.deepEqual([countOf(codes, 'ok'), countOf(codes, 'conflict')], [1, 7])
    })
  },

  'idempotent(): work under one key runs once': async (servers) => {
    const customerId = await furnish(servers)
    await again(1, async (number) => {
      const answers = await servers.both('once', { customerId, number })
      assert.equal(new Set(answers.flatMap(({ ids }) => ids)).size, 1)
      assert.equal(answers[0].first + answers[1].first, 1)
      assert.equal((await servers.licensing.licenses.list(slug)).total, number)
    })
  },

  'idempotent(): work of two writes runs once': async (servers) => {
    await furnish(servers)
    await again(1, async (number) => {
      const answers = await servers.both('sell', number)
      assert.equal(new Set(answers.flatMap(({ ids }) => ids)).size, 1)
      assert.equal(answers[0].first + answers[1].first, 1)
      assert.equal((await servers.licensing.licenses.list(slug)).total, number)
      assert.equal((await servers.licensing.customers.list(slug)).total, number + 1)
    })
  },

  'flush(): the numbers of two servers add up, and one of them counts the licenses': async (servers) => {
    const { licensing } = servers
    const customerId = await furnish(servers)
    const license = { customerId, tierId: 'pro', forever: true } as const
    await licensing.licenses.create(slug, { ...license, installationId: installation(1) })
    const [ours, theirs] = await servers.both('countThings', 1)
    assert.ok(ours + theirs >= 1 && ours + theirs <= 2, `${ours + theirs} counts in one hour, or two`)
    const { series, snapshot } = await licensing.stats(slug)
    const total = series['verify.ok']!.reduce((sum, count) => sum + count, 0)
    assert.equal(total, 40)
    assert.deepEqual(snapshot?.tiers, [{ tier: 'pro', active: 1, expired: 0, revoked: 0 }])
  },

  'ensure(): one of 8 calls makes the app, and all get it': async (servers) => {
    await again(1, async (number) => {
      const ids = (await servers.both('ensure', number)).flat()
      assert.deepEqual([ids.length, new Set(ids).size], [8, 1])
      const tier = await servers.licensing.tiers.get(ids[0]!, 'pro')
      assert.deepEqual(tier.features, ['api', 'sync'])
      assert.equal((await servers.licensing.apps.list()).total, number)
    })
  },

  'audit.seal(): two servers that seal at once leave one chain': async ({ licensing, storage, both }) => {
    let total = 0
    await again(0, async (number) => {
      const [ours, theirs] = await both('log', 1_000 * number, 1_000 * number + 500)
      total += ours + theirs
      const { valid, verified, lastSeq } = await licensing.audit.verify()
      assert.deepEqual([valid, verified, lastSeq], [true, 70 * (number + 1), 70 * (number + 1)])
    })
    // Each entry was sealed once, by one of the two.
    assert.equal(total, (await storage.findAuditChain())?.seq)
  },

  'random issuing, renewing, revoking and rotating leaves the database consistent': async (servers) => {
    const customerId = await furnish(servers)
    const codes: string[] = []
    await again(1, async (number) => {
      const [ours, theirs] = [number, number + 1000].map((seed) => ({ customerId, seed }))
      codes.push(...(await servers.both('mix', ours!, theirs!)).flat())
      assert.deepEqual(await inconsistencies(servers), [])
    })
    const expected = ['ok', 'conflict', 'not_found', 'license_revoked', 'invalid_token']
    assert.deepEqual(
      [...new Set(codes)].filter((code) => !expected.includes(code)),
      [],
    )
    assert.ok(countOf(codes, 'ok') > codes.length / 4)
  },
}

for (const [name, race] of Object.entries(races)) {
  describe(`Two servers, ${rounds} rounds: ${name}`, () => {
    it('on SQLite', () => withFiles((nextFile) => withTwoServers(nextFile(), race)))

    it('on PostgreSQL', { skip: database === undefined && noPostgres }, async () =>
      withTwoServers(await database!.emptied(), race),
    )
  })
}
