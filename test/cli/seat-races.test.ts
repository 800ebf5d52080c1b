import assert from 'node:assert/strict'
import process from 'node:process'
import { after, before, describe, test } from 'node:test'
import { noPostgres, openTestDatabase, type TestDatabase } from '../storage/postgres-database.ts'
import { randomFrom } from '../storage/race-tasks.ts'
import { day } from '../support/fixtures.ts'
import { crowdApp, killedIn, openCrowd, type Crowd, type Said, type Sold } from './crowd.ts'
import { whenAllIsOver } from './heartwood.ts'
import { assertOnly, tallyOf } from './tally.ts'

/**
 * `HEARTWOOD_TEST_RACES=full bun test --timeout 400000 test/cli/seat-races.test.ts` runs the promised size: four servers on
 * SQLite and three on PostgreSQL, with 64 callers each. Each server makes two RSA keys at its start, so two are enough for CI.
 */
const isFull = process.env['HEARTWOOD_TEST_RACES'] === 'full'
const callersEach = isFull ? 64 : 8

const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at))

/** All callers call at once, and in their midst the vendor does. */
async function beside(
  { callers }: Crowd,
  call: (at: number) => Promise<Said>,
  vendor: () => Promise<Said>,
): Promise<{ readonly answers: readonly Said[]; readonly vendors: Said }> {
  const begun = times(Math.floor(callers / 2), call)
  const between = vendor()
  const rest = times(callers - begun.length, (at) => call(begun.length + at))
  return { answers: await Promise.all([...begun, ...rest]), vendors: await between }
}

/** The taken seats of a license key, counted in the database. */
async function takenOf({ ledger }: Crowd, { id }: Sold): Promise<number> {
  const [row] = await ledger.rows<{ count: number | string }>(
    `select count(*) as count from heartwood_license where license_key_id = '${id}' and revoked_at is null`,
  )
  return Number(row!.count)
}

/** The seats that responses speak of. A server that was too busy to answer may have given a seat, and then the repeated call got 200. */
function seatsIn(answers: readonly Said[]): ReadonlySet<unknown> {
  return new Set(answers.filter(({ status }) => status < 300).map(({ data }) => data['id']))
}

const full = '409 seat_limit_reached'
const keys = `${crowdApp}/license-keys`
const releasePath = (id: unknown): string => `${crowdApp}/licenses/${String(id)}/release`

function renew(crowd: Crowd, { id, token }: Said['data'], at: number): Promise<Said> {
  return crowd.program(`${crowdApp}/licenses/${String(id)}/regenerate`, { current_token: token }, at)
}

/** Activates so many installations at once. Resolves to their seats. */
async function seated(crowd: Crowd, sold: Sold, count: number, first = 0): Promise<Said['data'][]> {
  const answers = await Promise.all(times(count, (at) => crowd.activate(sold, first + at)))
  assertOnly(answers, '200', '201')
  return answers.map(({ data }) => data)
}

/** A race of activations with a change by the vendor, who calls any server. */
async function changed(
  crowd: Crowd,
  change: (sold: Sold) => readonly [method: string, path: string, body: object | undefined],
  refusals: readonly string[],
): Promise<{ readonly sold: Sold; readonly answers: readonly Said[] }> {
  const sold = await crowd.sell({ seats: crowd.callers })
  const { answers, vendors } = await beside(
    crowd,
    (at) => crowd.activate(sold, at),
    () => crowd.vendor(...change(sold), 1),
  )
  assert.ok(vendors.status < 300, JSON.stringify(vendors))
  assertOnly(answers, '200', '201', ...refusals)
  return { sold, answers }
}

type Race = (crowd: Crowd) => Promise<unknown>

const races: Readonly<Record<string, Race>> = {
  'R1: of all installations that want 5 seats, 5 get one': async (crowd) => {
    const sold = await crowd.sell({ seats: 5 })
    const answers = await Promise.all(times(crowd.callers, (at) => crowd.activate(sold, at)))
    assertOnly(answers, '200', '201', full)
    assert.equal(seatsIn(answers).size, 5)
    assert.equal(await takenOf(crowd, sold), 5)
  },

  'R2: one installation at every server takes one seat': async (crowd) => {
    const sold = await crowd.sell({ seats: 2 })
    const answers = await Promise.all(times(crowd.callers, (at) => crowd.activate(sold, 1, at)))
    const tally = assertOnly(answers, '200', '201')
    assert.ok((tally['201'] ?? 0) <= 1)
    assert.equal(seatsIn(answers).size, 1)
    assert.equal(new Set(answers.map(({ data }) => data['jti'])).size, crowd.callers)
    assert.equal(await takenOf(crowd, sold), 1)
  },

  'R3: no activation outlives a revocation': async (crowd) => {
    const revoked = '400 license_key_revoked'
    const { sold } = await changed(crowd, ({ id }) => ['POST', `${keys}/${id}/revoke`, {}], [revoked])
    assert.equal(await takenOf(crowd, sold), 0)
    for (const at of crowd.servers.keys()) assertOnly([await crowd.activate(sold, 1, at)], revoked)
    assertOnly([await crowd.vendor('POST', `${keys}/${sold.id}/reinstate`)], '200')
  },

  'R3: every seat has the terms of a change': async (crowd) => {
    const terms = { tier_id: 'team', custom_features: ['own'], duration_days: 30 }
    const { sold } = await changed(crowd, ({ id }) => ['PUT', `${keys}/${id}`, terms], [])
    assert.equal(await takenOf(crowd, sold), crowd.callers)
    const rows = await crowd.ledger.rows(
      `select distinct tier, expires_at from heartwood_license where license_key_id = '${sold.id}'`,
    )
    assert.equal(rows.length, 1)
    assert.equal(rows[0]!['tier'], 'team')
  },

  'R3: fewer seats refuse whoever comes later, and nobody else': async (crowd) => {
    const sold = await crowd.sell({ seats: crowd.callers })
    const { answers } = await beside(
      crowd,
      (at) => crowd.activate(sold, at),
      () => crowd.vendor('PUT', `${keys}/${sold.id}`, { seats: 2 }, 1),
    )
    assertOnly(answers, '200', '201', full)
    const taken = seatsIn(answers).size
    assert.equal(await takenOf(crowd, sold), taken)
    assertOnly([await crowd.vendor('PUT', `${keys}/${sold.id}`, { seats: Math.max(taken, 1) })], '200')
  },

  'R3: a rolled text opens nothing from its roll on': async (crowd) => {
    const bad = '401 invalid_license_key'
    const { sold, answers } = await changed(crowd, ({ id }) => ['POST', `${keys}/${id}/roll`, {}], [bad])
    assert.equal(await takenOf(crowd, sold), seatsIn(answers).size)
    for (const at of crowd.servers.keys()) assertOnly([await crowd.activate(sold, 1, at)], bad)
  },

  'R3: a deleted license key leaves no seat': async (crowd) => {
    const bad = '401 invalid_license_key'
    const { sold } = await changed(crowd, ({ id }) => ['DELETE', `${keys}/${id}`, undefined], [bad])
    const rows = await crowd.ledger.rows(
      `select id from heartwood_license where license_key_id = '${sold.id}'`,
    )
    assert.deepEqual(rows, [])
  },

  'R4: of two license keys for one installation, one gets its place': async (crowd) => {
    const places = Math.ceil(crowd.callers / 4)
    const both = [await crowd.sell({ seats: places }), await crowd.sell({ seats: places })] as const
    const answers = await Promise.all(
      times(crowd.callers, (at) => crowd.activate(both[at % 2]!, at % places, at >> 1)),
    )
    assertOnly(answers, '200', '201', '409 conflict')
    assert.equal(seatsIn(answers).size, places)
    assert.equal((await takenOf(crowd, both[0])) + (await takenOf(crowd, both[1])), places)
  },

  'R5: no renewal undoes the tier and the end that its license key was given': async (crowd) => {
    const sold = await crowd.sell({ seats: 8 })
    const seats = await seated(crowd, sold, 8)
    const end = new Date(1000 * Math.floor(Date.now() / 1000 + 9 * day)).toISOString()
    const { answers } = await beside(
      crowd,
      (at) => renew(crowd, seats[at % 8]!, at),
      () => crowd.vendor('PUT', `${keys}/${sold.id}`, { tier_id: 'team', expires_at: end }, 2),
    )
    assertOnly(answers, '200')
    const rows = await crowd.ledger.rows<{ expires_at: unknown }>(
      `select distinct expires_at from heartwood_license where license_key_id = '${sold.id}'`,
    )
    assert.deepEqual(
      rows.map(({ expires_at }) => Number(expires_at)),
      [Date.parse(end) / 1000],
    )
  },

  'R6: an idle seat that is given away is renewed by nobody, whatever the clocks': async (crowd) => {
    const count = Math.floor(crowd.callers / 2)
    const sold = await crowd.sell({ seats: count, idle_days: 1 })
    const seats = await seated(crowd, sold, count)
    await crowd.ledger.rows(
      `update heartwood_license set seen_at = seen_at - ${2 * day} where license_key_id = '${sold.id}'`,
    )
    // A newcomer and the holder of a seat come to different servers, in both orders.
    const answers = await Promise.all(
      seats.map(async (seat, at) => {
        const renewal = () => renew(crowd, seat, at)
        const newcomer = () => crowd.activate(sold, count + at, at + 1)
        const calls = at % 2 ? [renewal(), newcomer()] : [newcomer(), renewal()].toReversed()
        return Promise.all(calls)
      }),
    )
    const renewed = answers.map(([renewal]) => renewal!)
    assertOnly(renewed, '200', '400 license_released')
    const came = answers.map(([, newcomer]) => newcomer!)
    assertOnly(came, '200', '201', full)
    const lapsed = await crowd.ledger.rows<{ id: string }>(
      `select id from heartwood_license where license_key_id = '${sold.id}' and revoked_cause = 'lapsed'`,
    )
    assert.equal(lapsed.length, seatsIn(came).size)
    const gone = new Set(lapsed.map(({ id }) => id))
    for (const [at, { status }] of renewed.entries())
      assert.equal(gone.has(String(seats[at]!['id'])), status !== 200)
    assert.equal(await takenOf(crowd, sold), count)
  },

  'R7: of all first activations one starts the time': async (crowd) => {
    const sold = await crowd.sell({ seats: crowd.callers, starts: 'activation', duration_days: 30 })
    const seats = await seated(crowd, sold, crowd.callers)
    const [row, ...more] = await crowd.ledger.rows<Record<'activated_at' | 'expires_at' | 'own', unknown>>(
      `select distinct l.expires_at, k.activated_at, k.expires_at as own from heartwood_license l
       join heartwood_license_key k on k.id = l.license_key_id where k.id = '${sold.id}'`,
    )
    assert.deepEqual(more, [])
    assert.equal(Number(row!.expires_at), Number(row!.activated_at) + 30 * day)
    assert.equal(Number(row!.expires_at), Number(row!.own))
    assert.equal(new Set(seats.map(({ expires_at }) => expires_at)).size, 1)
  },

  'R8: a process dies after its commit, and the repeated call finds the same seat': async (crowd) => {
    const sold = await crowd.sell({ seats: 1, releases_per_year: 1 })
    const rows = () =>
      crowd.ledger.rows<{ id: string; revoked_at: unknown; count: unknown }>(
        `select l.id, l.revoked_at, k.release_count as count from heartwood_license l
         join heartwood_license_key k on k.id = l.license_key_id where k.id = '${sold.id}'`,
      )
    const call = { key: sold.key, installationId: crowd.installation(1), id: '', token: '' }
    await killedIn(crowd, 'activate', call)
    const [left, ...more] = await rows()
    assert.deepEqual([left?.revoked_at, more], [null, []])
    // Nobody else has the seat, and the installation gets it at every server.
    assertOnly([await crowd.activate(sold, 2)], full)
    const again = await Promise.all(times(crowd.callers, (at) => crowd.activate(sold, 1, at)))
    assert.deepEqual(tallyOf(again), { 200: crowd.callers })
    assert.deepEqual(new Set(again.map(({ data }) => data['id'])), new Set([left!.id]))
    const { id, token } = again.at(-1)!.data as { id: string; token: string }
    const seat = { ...call, id, token }
    await killedIn(crowd, 'release', seat)
    assert.deepEqual(
      (await rows()).map(({ revoked_at, count }) => [revoked_at === null, Number(count)]),
      [[false, 1]],
    )
    const repeats = await Promise.all(
      times(crowd.callers, (at) =>
        crowd.program(releasePath(id), at % 2 ? { current_token: token } : { license_key: sold.key }, at),
      ),
    )
    assertOnly(repeats, '200')
    assert.equal(Number((await rows())[0]!.count), 1, 'a lost response costs no release')
    await killedIn(crowd, 'activate', seat)
    const back = await crowd.activate(sold, 1)
    assert.deepEqual([back.status, back.data['id']], [200, id])
  },

  'R9: beside rotations every answer has a good token': async (crowd) => {
    const sold = await crowd.sell({ seats: crowd.callers })
    const { answers, vendors } = await beside(
      crowd,
      (at) => crowd.activate(sold, at),
      () => crowd.vendor('POST', `${crowdApp}/rotate-keys`, { grace_period_days: 1 }, 1),
    )
    assertOnly([vendors], '200')
    assertOnly(answers, '200', '201')
    const seats = answers.map(({ data }) => data)
    assertOnly(await Promise.all(seats.map((seat, at) => renew(crowd, seat, at + 1))), '200')
    // Whoever asks after the response to the rotation gets a token under the new key.
    const later = await Promise.all(times(crowd.callers, (at) => crowd.activate(sold, at, at + 1)))
    const kid = await newestKid(crowd)
    for (const { data } of later) assert.equal(headerOf(String(data['token'])).kid, kid)
  },

  'R10: a tier, a customer or an app that goes meanwhile leaves no seat behind': async (crowd) => {
    const { vendor } = crowd
    for (const what of ['tiers', 'customers', 'apps'] as const) {
      const going = await furnish(crowd, what)
      const { answers, vendors } = await beside(
        crowd,
        (at) => crowd.program(`${going.app}/license-keys/activate`, going.activation(at), at),
        () => vendor('DELETE', going.path, undefined, 1),
      )
      assert.equal(vendors.status, 204, what)
      assertOnly(answers, '200', '201', '400 missing_tier', '404 not_found', '401 invalid_license_key')
      const left = await crowd.ledger.rows(
        `select id from heartwood_license where license_key_id = '${going.id}' and
         ${what === 'tiers' ? 'tier_id is not null' : '1 = 1'}`,
      )
      assert.deepEqual(left, [], what)
    }
  },

  'all at once: random calls sell no seat twice': async (crowd) => {
    const sold = await crowd.sell({ seats: 4, releases_per_year: null })
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32))
    console.log(`SEED=${seed}`)
    const answers = await Promise.all(
      times(crowd.callers, (at) => wander(crowd, sold, at, randomFrom(seed + at))),
    )
    const expected = ['200', '201', full, '400 license_revoked', '400 license_released', '401 invalid_token']
    assertOnly(answers.flat(), ...expected)
    assert.ok((await takenOf(crowd, sold)) <= 4)
  },
}

function headerOf(token: string): { readonly kid: string } {
  return JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as { kid: string }
}

async function newestKid({ ledger }: Crowd): Promise<string> {
  const [row] = await ledger.rows<{ kid: string }>(
    `select k.kid from heartwood_signing_key k join heartwood_app a on a.id = k.app_id
     where a.slug = 'crowd' and k.accepted_until is null`,
  )
  return row!.kid
}

/** An app with what will go, and a license key that hangs on it. */
async function furnish({ vendor, callers, anew }: Crowd, what: 'tiers' | 'customers' | 'apps') {
  const { installation } = anew()
  const slug = what === 'apps' ? 'going' : 'crowd'
  const app = `/apps/${slug}`
  if (what === 'apps') await vendor('POST', '/apps', { name: 'Going', slug })
  const tier = await vendor('POST', `${app}/tiers`, { name: 'Going', slug: `going_${what}` })
  const customer = await vendor('POST', `${app}/customers`, { email: `${what}@example.com` })
  const going = { tiers: tier.data['id'], customers: customer.data['id'], apps: '' }[what]
  const sale = { customer_id: customer.data['id'], tier_id: tier.data['id'], seats: callers, forever: true }
  const { key, id } = (await vendor('POST', `${app}/license-keys`, sale)).data
  return {
    app,
    id: String(id),
    path: what === 'apps' ? app : `${app}/${what}/${String(going)}`,
    activation: (at: number) => ({ license_key: key, installation_id: installation(at) }),
  }
}

/** One caller activates, renews and releases, and now and then the vendor revokes and reinstates its seat. */
async function wander(crowd: Crowd, sold: Sold, at: number, random: () => number): Promise<readonly Said[]> {
  const answers: Said[] = []
  let seat: Said['data'] | null = null
  for (let step = 0; step < 4; step++) {
    const kind = random()
    const server = Math.floor(random() * crowd.servers.length)
    const own: Said['data'] | null = seat
    if (own === null || kind < 0.3) answers.push(await crowd.activate(sold, at, server))
    else if (kind < 0.5) answers.push(await renew(crowd, own, server))
    else if (kind < 0.8)
      answers.push(await crowd.program(releasePath(own['id']), { license_key: sold.key }, server))
    else {
      const act = kind < 0.9 ? 'revoke' : 'reinstate'
      const path = `${crowdApp}/licenses/${String(own['id'])}/${act}`
      answers.push(await crowd.vendor('POST', path, {}, server))
    }
    const { data } = answers.at(-1)!
    if (typeof data['token'] === 'string') seat = data
  }
  return answers
}

let postgres: TestDatabase | undefined
before(async () => {
  postgres = await openTestDatabase()
})
after(() => postgres?.drop())

/** Declares the races on one database, one after the other, with servers that start once. */
const databases: Readonly<
  Record<string, readonly [servers: number, target: () => Promise<string | undefined>]>
> = {
  'one SQLite file': [isFull ? 4 : 2, async () => undefined],
  'one PostgreSQL': [isFull ? 3 : 2, async () => postgres?.nextSchema()],
}

for (const [where, [servers, target]] of Object.entries(databases))
  describe(`${servers} servers with ${callersEach} callers each on ${where}`, () => {
    let crowd: Crowd | undefined
    const disposer = whenAllIsOver(after)
    before(async () => {
      const found = await target()
      if (where === 'one PostgreSQL' && found === undefined) return
      crowd = await openCrowd(disposer, { servers, callers: servers * callersEach, target: found })
    })
    for (const [name, race] of Object.entries(races))
      test(name, async (t) => {
        if (crowd === undefined) return t.skip(noPostgres)
        await race(crowd.anew())
        assert.deepEqual(await crowd.ledger.faults(), [])
      })
    after(() => {
      if (crowd !== undefined) console.log(`${where}: ${crowd.repeated()} calls were repeated after 503`)
    })
  })
