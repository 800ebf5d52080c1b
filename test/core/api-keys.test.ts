import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import type { Licensing, NewApiKey, Principal, RestrictedLicensing } from '../../src/core/index.ts'
import { codeOf, day, newShop, newWorld, refusalOf, risingIds, start, tallyOf } from '../support/fixtures.ts'

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** The checksum by Node's own CRC-32. */
function checksum(text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let at = 0; at < 6; at++, rest = Math.floor(rest / 62)) digits = base62[rest % 62] + digits
  return digits
}

async function principal(licensing: Licensing, key: NewApiKey = {}): Promise<Principal> {
  const { secret } = await licensing.apiKeys.create(key)
  return (await licensing.apiKeys.authenticate(secret))!
}

/** Licensing as the holder of a new key with these rights may use it. */
async function restricted(licensing: Licensing, key: NewApiKey = {}): Promise<RestrictedLicensing> {
  return licensing.restrictedTo(await principal(licensing, key))
}

test('apiKeys.create(): a secret is prefix, 30 random characters and checksum, and names type and mode', async () => {
  const { licensing } = await newWorld()
  for (const type of ['sk', 'pk'] as const)
    for (const mode of ['live', 'test'] as const) {
      const key = await licensing.apiKeys.create({ type, mode, name: 'CI' })
      const { secret, id, ...rest } = key
      assert.match(secret, new RegExp(`^${type}_${mode}_[0-9A-Za-z]{36}$`))
      assert.equal(checksum(secret.slice(0, -6)), secret.slice(-6))
      assert.match(id, /^key_/)
      assert.deepEqual(rest, {
        ...{ name: 'CI', type, mode, app: null, prefix: `${type}_${mode}_`, lastFour: secret.slice(-4) },
        ...{ createdAt: start, expiresAt: null, revokedAt: null, lastUsedAt: null, scopes: null },
      })
    }
})

test('apiKeys.create(): all secrets differ, and each base62 character is equally likely', async () => {
  const { licensing } = await newWorld()
  const keys = await Promise.all(Array.from({ length: 300 }, () => licensing.apiKeys.create()))
  const bodies = keys.map(({ secret }) => secret.slice('sk_live_'.length, -6))
  assert.equal(new Set(bodies).size, 300)
  const counts = [...base62].map((character) => bodies.join('').split(character).length - 1)
  // 9,000 draws give 145 of each, with a deviation of 12. Eight deviations are no chance.
  for (const count of counts) assert.ok(count > 50 && count < 240, `${counts}`)
})

test('apiKeys.create(): shows the secret once and stores only its SHA-256', async () => {
  const { licensing, storage } = await newWorld()
  const { secret, id } = await licensing.apiKeys.create({})
  const stored = JSON.stringify(await storage.listApiKeys({}, { limit: 9 }))
  const listed = JSON.stringify(await licensing.apiKeys.list())
  for (const text of [stored, listed]) assert.ok(!text.includes(secret.slice(8, 30)))
  assert.equal((await storage.findApiKey(id))?.hash, createHash('sha256').update(secret).digest('hex'))
  assert.doesNotMatch(listed, /hash|secret|[0-9a-f]{64}/)
})

test('apiKeys.authenticate(): knows a genuine secret, and refuses any other spelling, junk and foreign secrets', async () => {
  const { licensing } = await newWorld()
  const { secret, id } = await licensing.apiKeys.create({})
  assert.equal((await licensing.apiKeys.authenticate(secret))?.id, id)
  const body = secret.slice(0, -6)
  const swap = (at: number): string => body.slice(0, at) + (body[at] === 'A' ? 'B' : 'A') + body.slice(at + 1)
  const others: readonly unknown[] = [
    ...[
      '',
      ' ',
      secret.toUpperCase(),
      secret.toLowerCase(),
      ` ${secret}`,
      `${secret} `,
      `${secret}\n`,
      `${secret}0`,
      secret.slice(0, -1),
    ],
    ...[
      swap(20) + secret.slice(-6),
      swap(20) + checksum(swap(20)),
      secret.replace('sk_', 'pk_'),
      secret.replace('live', 'test'),
    ],
    ...[
      `pk${body.slice(2)}${checksum(`pk${body.slice(2)}`)}`,
      `Bearer ${secret}`,
      undefined,
      null,
      5,
      {},
      [secret],
    ],
  ]
  for (const other of others)
    assert.equal(await licensing.apiKeys.authenticate(other as string), null, JSON.stringify(other))
})

test('apiKeys.authenticate(): accepts a key until the second in which it expires or is revoked', async () => {
  const { licensing, clock } = await newWorld()
  const { apiKeys } = licensing
  const ending = await apiKeys.create({ expiresAt: start + day })
  const other = await apiKeys.create({})
  clock.seconds = start + day - 1
  assert.notEqual(await apiKeys.authenticate(ending.secret), null)
  clock.seconds += 1
  assert.equal(await apiKeys.authenticate(ending.secret), null)
  const read = async (): Promise<unknown> => (await apiKeys.list()).data.find(({ id }) => id === other.id)
  const { secret: _secret, ...unrevoked } = other
  await apiKeys.revoke(other.id)
  const revoked = { ...unrevoked, revokedAt: clock.seconds }
  assert.deepEqual(await read(), revoked)
  assert.equal(await apiKeys.authenticate(other.secret), null)
  clock.seconds += 5
  await apiKeys.revoke(other.id)
  assert.deepEqual(await read(), revoked, 'again changes nothing')
  for (const expiresAt of [start, clock.seconds, 0])
    assert.equal(await codeOf(apiKeys.create({ expiresAt })), 'validation_error')
})

test('apiKeys.createFirst(): makes one key, also for concurrent callers, and never a second', async () => {
  const { licensing, storage } = await newWorld()
  const made = await Promise.all(Array.from({ length: 10 }, () => licensing.apiKeys.createFirst()))
  const keys = made.filter((key) => key !== null)
  assert.equal(keys.length, 1)
  assert.deepEqual(
    [keys[0]!.type, keys[0]!.mode, keys[0]!.expiresAt, keys[0]!.app],
    ['sk', 'live', null, null],
  )
  await licensing.apiKeys.revoke(keys[0]!.id)
  assert.equal(await licensing.apiKeys.createFirst(), null)
  assert.equal(await storage.countApiKeys({}), 1)
})

test('apiKeys.create(): only an unbound secret key without expiry may manage keys', async () => {
  const { licensing } = await newShop()
  const { apiKeys } = licensing
  const { id } = await apiKeys.create({})
  const powerless: readonly NewApiKey[] = [
    { type: 'pk' },
    { app: 'desktop-app' },
    { expiresAt: start + 36_500 * day },
    { type: 'pk', mode: 'test' },
    { mode: 'test', expiresAt: start + day },
  ]
  for (const rights of powerless) {
    const by = await principal(licensing, rights)
    const own = licensing.restrictedTo(by).apiKeys
    const calls = [
      own.create({}),
      own.create({ type: 'pk', mode: by.mode }),
      own.create({ nonsense: true } as never),
      own.list({}),
      own.revoke(id),
      own.revoke('key_none'),
      own.roll(id, {}),
      own.roll(by.id, {}),
    ]
    assert.deepEqual(await tallyOf(calls), { forbidden: calls.length }, JSON.stringify(rights))
  }
  assert.equal(await codeOf((await restricted(licensing)).apiKeys.create({})), 'ok')
})

test('apiKeys: a test key creates, lists and revokes only test keys', async () => {
  const { licensing } = await newShop()
  const { apiKeys, apps } = licensing
  const live = await apiKeys.create({})
  await apps.create({ name: 'Trial', slug: 'trial' }, { mode: 'test' })
  const own = (await restricted(licensing, { mode: 'test' })).apiKeys
  assert.equal((await own.create({})).mode, 'test')
  assert.equal((await own.create({ app: 'trial' })).mode, 'test')
  assert.equal(await codeOf(own.create({ mode: 'live' })), 'forbidden')
  for (const key of [{ app: 'desktop-app' }, { app: 'desktop-app', mode: 'test' }] as const)
    assert.notEqual(await codeOf(own.create(key)), 'ok')
  const { data, total } = await own.list({})
  assert.deepEqual([new Set(data.map(({ mode }) => mode)), total], [new Set(['test']), 3])
  assert.equal(await codeOf(own.list({ mode: 'live' })), 'forbidden')
  const missing = await refusalOf(own.revoke('key_01kfgt0000e0080000000000zz'))
  for (const call of [own.revoke(live.id), own.roll(live.id, {})]) {
    const { code, message } = await refusalOf(call)
    assert.deepEqual([code, message], [missing.code, missing.message], 'as if it were not there')
  }
  assert.notEqual(await apiKeys.authenticate(live.secret), null)
})

test('apiKeys.create(): a live key makes keys of both modes, and a bound key has the mode of its app', async () => {
  const { licensing } = await newShop()
  const { apps } = licensing
  await apps.create({ name: 'Trial', slug: 'trial' }, { mode: 'test' })
  const { apiKeys } = await restricted(licensing)
  const made = async (key: NewApiKey): Promise<readonly unknown[]> => {
    const { mode, app, type } = await apiKeys.create(key)
    return [type, mode, app]
  }
  assert.deepEqual(await made({}), ['sk', 'live', null])
  assert.deepEqual(await made({ mode: 'test', type: 'pk' }), ['pk', 'test', null])
  assert.deepEqual(await made({ app: 'trial' }), ['sk', 'test', 'trial'])
  assert.equal(await codeOf(apiKeys.create({ app: 'trial', mode: 'live' })), 'validation_error')
  assert.equal(await codeOf(apiKeys.create({ app: 'none' })), 'not_found')
})

test('restrictedTo(): a key sees the apps of its mode, and a bound key only its own, in lists too', async () => {
  const { licensing, app } = await newShop()
  const { apps } = licensing
  await apps.create({ name: 'Other', slug: 'other-app' })
  await apps.create({ name: 'Trial', slug: 'trial' }, { mode: 'test' })
  const cases: readonly (readonly [NewApiKey, readonly string[]])[] = [
    [{}, ['other-app', 'desktop-app']],
    [{ mode: 'test', type: 'pk' }, ['trial']],
    [{ app: 'desktop-app' }, ['desktop-app']],
    [{ app: 'trial' }, ['trial']],
  ]
  const missing = await refusalOf(apps.get('no-app'))
  for (const [rights, seen] of cases) {
    const own = await restricted(licensing, rights)
    const { data, total } = await own.apps.list({}, { mode: 'live' })
    assert.deepEqual([data.map(({ slug }) => slug), total], [seen, seen.length])
    for (const slug of ['desktop-app', 'other-app', 'trial', 'no-app']) {
      if (seen.includes(slug)) assert.match((await own.authorize('catalogue:read', slug)).app ?? '', /^app_/)
      else assert.equal((await refusalOf(own.authorize('catalogue:read', slug))).message, missing.message)
    }
  }
  assert.equal((await (await restricted(licensing)).authorize('catalogue:read', 'desktop-app')).app, app.id)
})

test('apps.create(): the app has the mode of the key that creates it, and a weaker key creates none', async () => {
  const { licensing } = await newShop()
  const create = (by: Principal, mode?: 'live' | 'test') =>
    licensing.restrictedTo(by).apps.create({ name: 'n', slug: 'made' }, mode && { mode })
  const weak: readonly NewApiKey[] = [{ type: 'pk' }, { app: 'desktop-app' }]
  for (const rights of weak)
    assert.equal(await codeOf(create(await principal(licensing, rights))), 'forbidden')
  const trial = await principal(licensing, { mode: 'test' })
  assert.equal(await codeOf(create(trial, 'live')), 'forbidden')
  assert.equal((await create(trial)).mode, 'test')
})

test('apiKeys.roll(): the new key has the same rights, and the old key works during the overlap', async () => {
  const { licensing, clock } = await newShop()
  const { apiKeys } = licensing
  const old = await apiKeys.create({
    type: 'pk',
    app: 'desktop-app',
    name: 'CI',
    expiresAt: start + 10 * day,
  })
  const next = await apiKeys.roll(old.id, { overlapSeconds: 60 })
  const rights = ({ name, type, mode, app, expiresAt }: typeof old): readonly unknown[] => [
    name,
    type,
    mode,
    app,
    expiresAt,
  ]
  assert.deepEqual(rights(next), rights(old))
  assert.notEqual(next.secret, old.secret)
  clock.seconds += 59
  for (const { secret } of [old, next]) assert.notEqual(await apiKeys.authenticate(secret), null)
  clock.seconds += 1
  assert.equal(await apiKeys.authenticate(old.secret), null)
  assert.notEqual(await apiKeys.authenticate(next.secret), null)
  assert.equal(await codeOf(apiKeys.roll(old.id)), 'conflict')
  await apiKeys.roll(next.id)
  assert.equal(await apiKeys.authenticate(next.secret), null, 'without an overlap at once')
})

test('apiKeys.roll(): never extends a key, by a long overlap or after a revocation', async () => {
  const { licensing, clock } = await newWorld()
  const { apiKeys } = licensing
  const ending = await apiKeys.create({ expiresAt: start + 100 })
  const next = await apiKeys.roll(ending.id, { overlapSeconds: 2_592_000 })
  clock.seconds += 100
  for (const { secret } of [ending, next]) assert.equal(await apiKeys.authenticate(secret), null)
  const revoked = await apiKeys.create({})
  await apiKeys.revoke(revoked.id)
  assert.equal(await codeOf(apiKeys.roll(revoked.id)), 'conflict')
  const odd: readonly unknown[] = [-1, 2_592_001, 1.5, '60', null, Number.NaN]
  for (const overlapSeconds of odd)
    assert.equal(await codeOf(apiKeys.roll(revoked.id, { overlapSeconds } as object)), 'validation_error')
})

test('apiKeys.roll(): of two concurrent rolls, an overlap does not undo the end that the other one set', async () => {
  for (const overlaps of [
    [0, 60],
    [60, 0],
  ]) {
    const { licensing, clock } = await newWorld()
    const { apiKeys } = licensing
    const old = await apiKeys.create({})
    const rolls = overlaps.map((overlapSeconds) => apiKeys.roll(old.id, { overlapSeconds }))
    const ended = await Promise.all(rolls.map((roll) => codeOf(roll)))
    assert.ok(ended.includes('ok'), ended.join())
    clock.seconds += ended.every((code) => code === 'ok') || ended[overlaps.indexOf(0)] === 'ok' ? 0 : 60
    assert.equal(await apiKeys.authenticate(old.secret), null)
  }
})

test('apiKeys.roll(): a key that is revoked meanwhile gets no successor', async () => {
  const { licensing, storage } = await newWorld()
  const { id } = await licensing.apiKeys.create({})
  const slow = {
    ...storage,
    findApiKey: async (asked: string) => {
      const key = await storage.findApiKey(asked)
      await storage.updateApiKey(asked, { revokedAt: start })
      return key
    },
  }
  const { licensing: other } = await newWorld({ storage: slow, newId: risingIds(100) })
  assert.equal(await codeOf(other.apiKeys.roll(id)), 'conflict')
  assert.equal(await storage.countApiKeys({}), 1)
})

test('apiKeys.revoke(): refuses a malformed id', async () => {
  const { licensing } = await newWorld()
  for (const id of ['', '\u0000', 'key_', '__proto__', undefined, null, 5, {}] as string[]) {
    assert.equal(await codeOf(licensing.apiKeys.revoke(id)), 'not_found')
    assert.equal(await codeOf(licensing.apiKeys.roll(id)), 'not_found')
  }
})

test('apiKeys.authenticate(): writes the time of last use once a minute at most, and lists it immediately', async () => {
  const { licensing, clock, storage } = await newWorld()
  const { apiKeys } = licensing
  const key = await apiKeys.create({})
  const stored = async (): Promise<unknown> => (await storage.findApiKey(key.id))?.lastUsedAt
  clock.seconds += 10
  await apiKeys.authenticate(key.secret)
  assert.equal(await stored(), start + 10)
  clock.seconds += 59
  await apiKeys.authenticate(key.secret)
  assert.equal(await stored(), start + 10)
  assert.equal((await apiKeys.list()).data[0]!.lastUsedAt, start + 69)
  await licensing.flush()
  assert.equal(await stored(), start + 69)
})

test('apiKeys.authenticate(): accepts a key on a storage that cannot write', async () => {
  const { storage, licensing } = await newWorld()
  const { secret } = await licensing.apiKeys.create({})
  const readOnly = { ...storage, touchApiKeys: () => Promise.reject(new Error('read-only')) }
  const { licensing: reader } = await newWorld({ storage: readOnly })
  assert.notEqual(await reader.apiKeys.authenticate(secret), null)
  assert.notEqual(await reader.apiKeys.authenticate(secret), null)
})
