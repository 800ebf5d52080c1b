import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Metadata, NewLicense } from '../../src/core/index.ts'
import { claimsOf } from '../support/tokens.ts'
import { codeOf, day, installation, newShop, refusalOf, start, tokenOf } from '../support/fixtures.ts'

test('licenses.create(): returns the given fields, and its token claims the same', async () => {
  const { licensing, app, tier, customer } = await newShop()
  const license = await licensing.licenses.create('desktop-app', {
    installationId: installation(1).toUpperCase(),
    customerId: customer.id,
    tierId: tier.id,
    customFeatures: ['extra', 'api_access'],
    durationDays: 365,
    metadata: { seats: 5 },
  })
  const { token, id, jti, ...rest } = license
  assert.match(id, /^lic_[0-7][0-9a-hjkmnp-tv-z]{25}$/)
  const end = start + 365 * day
  assert.deepEqual(rest, {
    ...{ installationId: installation(1), customerId: customer.id, tierId: tier.id, tier: 'pro' },
    ...{ features: ['api_access', 'extra'], customFeatures: ['extra', 'api_access'], status: 'active' },
    ...{ limits: {}, customLimits: {}, updatesUntil: null },
    ...{ expiresAt: end, revokedAt: null, revokedReason: null, revokedCause: null, issuedAt: start },
    ...{ seenAt: null, seenKid: null, seenClient: null, metadata: { seats: 5 } },
    ...{ licenseKeyId: null, name: null, createdAt: start, updatedAt: start },
  })
  const claims = claimsOf(tokenOf({ token }))
  assert.deepEqual(
    [claims.sub, claims.aud, claims.iss, claims.iat, claims.exp, claims.jti, claims.customer_id],
    [installation(1), app.slug, 'license-server', start, end, jti, customer.id],
  )
})

test('licenses.create(): exactly one of three fields gives the end', async () => {
  const { issue } = await newShop()
  const ends: readonly (readonly [object, number | null])[] = [
    [{ durationDays: 1 }, start + day],
    [{ durationDays: 36_500 }, start + 36_500 * day],
    [{ expiresAt: start + 1 }, start + 1],
    [{ expiresAt: new Date((start + 1) * 1000 + 999) }, start + 1],
    [{ expiresAt: 253_402_300_799 }, 253_402_300_799],
    [{ forever: true }, null],
  ]
  for (const [given, end] of ends) assert.equal((await issue(given)).expiresAt, end)
  const odd: readonly object[] = [
    ...[0, -1, 1.5, 36_501, 1e9, 1e308, 2 ** 53, Number.NaN, Infinity, '30', true, null, [30]].map(
      (durationDays) => ({ durationDays }),
    ),
    ...[
      start,
      start - 1,
      0,
      -1,
      253_402_300_800,
      start + 0.5,
      '2027-01-01',
      null,
      new Date(NaN),
      new Date(0),
      new Date(8.64e15),
    ].map((expiresAt) => ({ expiresAt })),
    ...[false, 'true', 1, null].map((forever) => ({ forever })),
    ...[
      { durationDays: 1, forever: true },
      { durationDays: 1, expiresAt: start + 5 },
      { durationDays: undefined },
    ],
    { durationDays: 1, expiresAt: start + 5, forever: true },
  ]
  for (const given of odd)
    assert.equal(await codeOf(issue(given as Partial<NewLicense>)), 'validation_error', JSON.stringify(given))
})

test('licenses.create(): customer and tier must exist in the same app', async () => {
  const { licensing, customer, tier, issue } = await newShop()
  await licensing.apps.create({ name: 'Other', slug: 'other-app' })
  const { licenses, tiers, customers } = licensing
  const fieldOf = async (
    app: string,
    license: { readonly customerId?: string; readonly tierId?: string },
  ): Promise<string> => {
    const given = {
      installationId: installation(9),
      customerId: customer.id,
      tierId: 'pro',
      forever: true,
    } as const
    const error = await refusalOf(licenses.create(app, { ...given, ...license }))
    return `${error.code} ${Object.keys(error.details ?? {}).join(' ')}`
  }
  assert.equal(await fieldOf('desktop-app', { customerId: 'cus_none' }), 'validation_error customerId')
  assert.equal(await fieldOf('desktop-app', { tierId: 'none' }), 'validation_error tierId')
  assert.equal(await fieldOf('other-app', {}), 'validation_error customerId')
  const { id: customerId } = await customers.create('other-app', { email: 'a@b' })
  assert.equal(await fieldOf('other-app', { customerId, tierId: tier.id }), 'validation_error tierId')
  await tiers.delete('desktop-app', 'pro')
  assert.equal(await codeOf(issue()), 'validation_error')
  assert.equal(await codeOf(licenses.list('no-app')), 'not_found')
})

test('licenses.create(): at most 50 custom features, under either of two names', async () => {
  const { licensing, issue } = await newShop()
  const fifty = Array.from({ length: 50 }, (_, at) => `f_${at}`)
  assert.deepEqual((await issue({ features: ['b', 'a'] })).customFeatures, ['b', 'a'])
  assert.equal((await issue({ customFeatures: fifty })).features.length, 51)
  assert.equal((await licensing.features.list('desktop-app')).total, 1, 'the catalogue knows none of them')
  const odd: readonly unknown[] = [
    [...fifty, 'one_more'],
    ['A'],
    ['a-b'],
    [''],
    ['a', 'a'],
    ['a\n'],
    'a',
    [1],
    { 0: 'a' },
    null,
  ]
  for (const customFeatures of odd)
    for (const name of ['customFeatures', 'features'])
      assert.equal(
        await codeOf(issue({ [name]: customFeatures })),
        'validation_error',
        JSON.stringify(customFeatures),
      )
  assert.equal(await codeOf(issue({ features: ['a'], customFeatures: ['a'] })), 'validation_error')
})

test('licenses.create(): an installation has one active license an app, and the error names it', async () => {
  const { licensing, customer, issue } = await newShop()
  const holder = await issue()
  const error = await refusalOf(issue({ installationId: holder.installationId.toUpperCase() }))
  assert.equal(error.code, 'conflict')
  assert.match(error.message, new RegExp(holder.id))
  assert.match(error.details!.installationId![0]!, new RegExp(holder.id))
  await licensing.apps.create({ name: 'Other', slug: 'other-app' })
  await licensing.tiers.create('other-app', { name: 'Pro', slug: 'pro' })
  const { id: customerId } = await licensing.customers.create('other-app', { email: customer.email })
  const { installationId } = holder
  const given = { installationId, customerId, tierId: 'pro', forever: true } as const
  assert.equal(await codeOf(licensing.licenses.create('other-app', given)), 'ok')
})

test('licenses.create(): takes the slot of an expired or revoked license, which stays readable', async () => {
  const { licensing, clock, issue } = await newShop()
  const { licenses } = licensing
  const first = await issue({ durationDays: 1 })
  const { installationId } = first
  const holder = async (): Promise<string> =>
    (await licenses.getByInstallation('desktop-app', installationId)).id
  clock.seconds = start + day
  const second = await issue({ installationId })
  assert.equal(await holder(), second.id)
  await licenses.revoke('desktop-app', second.id)
  assert.equal(await holder(), second.id, 'a revoked license keeps its place')
  const third = await issue({ installationId })
  assert.equal(await holder(), third.id)
  const all = await licenses.list('desktop-app', { installationId: installationId.toUpperCase() })
  assert.deepEqual(
    all.data.map(({ id, status }) => [id, status]),
    [
      [third.id, 'active'],
      [second.id, 'revoked'],
      [first.id, 'expired'],
    ],
  )
  await licenses.delete('desktop-app', third.id)
  assert.equal(await codeOf(holder()), 'not_found', 'deleting promotes none')
})

test('licenses.get(): returns a token only if asked', async () => {
  const { licensing, clock, issue } = await newShop()
  const { get, getByInstallation, list, revoke, token } = licensing.licenses
  const { id, installationId, token: text } = await issue()
  assert.equal('token' in (await get('desktop-app', id)), false)
  assert.equal('token' in (await getByInstallation('desktop-app', installationId)), false)
  assert.equal('token' in (await list('desktop-app')).data[0]!, false)
  const include = { include: 'token' } as const
  const tokens = async (): Promise<readonly unknown[]> => [
    (await get('desktop-app', id, include)).token,
    (await getByInstallation('desktop-app', installationId.toUpperCase(), include)).token,
    (await list('desktop-app', include)).data[0]!.token,
    await token('desktop-app', id),
  ]
  assert.deepEqual(await tokens(), [text, text, text, text])
  clock.seconds = start + 30 * day
  assert.deepEqual(await tokens(), [null, null, null, null])
  clock.seconds = start
  await revoke('desktop-app', id)
  assert.deepEqual(await tokens(), [null, null, null, null])
  assert.equal(await codeOf(list('desktop-app', { ...include, perPage: 21 })), 'validation_error')
})

test('licenses.list(): filters by status, customer, tier and installation', async () => {
  const { licensing, clock, issue } = await newShop()
  const { customers, licenses, tiers } = licensing
  const basic = await tiers.create('desktop-app', { name: 'Basic', slug: 'basic' })
  const bob = await customers.create('desktop-app', { email: 'bob@example.com' })
  const active = await issue()
  const expired = await issue({ durationDays: 1, customerId: bob.id })
  const revoked = await issue({ durationDays: 1, tierId: 'basic' })
  await licenses.revoke('desktop-app', revoked.id)
  clock.seconds = start + day
  const cases = [
    [{}, [revoked, expired, active]],
    [{ status: 'active' }, [active]],
    [{ status: 'expired' }, [expired]],
    [{ status: 'revoked' }, [revoked]],
    [{ customerId: bob.id }, [expired]],
    [{ customerId: 'cus_nobody' }, []],
    [{ tierId: 'basic' }, [revoked]],
    [{ tierId: basic.id }, [revoked]],
    [{ tierId: 'none' }, []],
    [{ installationId: active.installationId }, [active]],
    [{ tierId: 'pro', status: 'active', customerId: bob.id }, []],
  ] as const
  for (const [query, found] of cases) {
    const { data, total } = await licenses.list('desktop-app', query)
    assert.deepEqual(
      data.map(({ id }) => id),
      found.map(({ id }) => id),
      JSON.stringify(query),
    )
    assert.equal(total, found.length)
  }
})

test('licenses.get(): another app, a malformed id and a deleted license are not_found', async () => {
  const { licensing, issue } = await newShop()
  const { licenses } = licensing
  const { id } = await issue()
  await licensing.apps.create({ name: 'Other', slug: 'other-app' })
  const uses = (app: string, given: string): Promise<readonly string[]> =>
    Promise.all(
      [
        licenses.get(app, given),
        licenses.token(app, given),
        licenses.update(app, given, { metadata: {} }),
        licenses.revoke(app, given),
        licenses.reinstate(app, given),
        licenses.regenerate(app, given),
        licenses.delete(app, given),
      ].map(codeOf),
    )
  const bad = ['', 'lic_', 'x', id.replace('lic_', 'cus_'), `${id}\n`, '__proto__', undefined, null, 5]
  for (const each of bad)
    assert.deepEqual(
      new Set(await uses('desktop-app', each as string)),
      new Set(['not_found']),
      JSON.stringify(each),
    )
  for (const each of bad)
    assert.equal(await codeOf(licenses.getByInstallation('desktop-app', each as string)), 'not_found')
  for (const app of ['other-app', 'no-app'])
    assert.deepEqual(new Set(await uses(app, id)), new Set(['not_found']))
  assert.equal(await codeOf(licenses.delete('desktop-app', id)), 'ok')
  assert.deepEqual(new Set(await uses('desktop-app', id)), new Set(['not_found']))
})

test('licenses.create(): returns metadata as given, whatever its names, and pollutes no prototype', async () => {
  const { licensing, issue } = await newShop()
  const texts = [
    '{}',
    '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
    '{"a":[null,true,0,-1.5,1e-7,9007199254740991,-9007199254740991,5e-324,123456.789,0.1]}',
    `{"é":"e\u0301","😀":"\uFEFF\u2028","":"","toJSON":"x","length":1}`,
    `${'{"a":'.repeat(31)}{}${'}'.repeat(31)}`,
    JSON.stringify({ a: 'x'.repeat(16 * 1024 - 8) }),
  ]
  for (const text of texts) {
    const metadata = JSON.parse(text) as Metadata
    const { id } = await issue({ metadata })
    const read = (await licensing.licenses.get('desktop-app', id)).metadata
    assert.equal(JSON.stringify(read), JSON.stringify(metadata))
  }
  assert.equal(({} as { polluted?: boolean }).polluted, undefined)
})

test('licenses: metadata is at most 16 KiB of JSON, in create() and update()', async () => {
  const { licensing, issue } = await newShop()
  const sized = (bytes: number): { text: string } => ({ text: 'x'.repeat(bytes - '{"text":""}'.length) })
  const { id } = await issue({ metadata: sized(16_384) })
  assert.equal(await codeOf(issue({ metadata: sized(16_385) })), 'validation_error')
  const change = (bytes: number): Promise<unknown> =>
    licensing.licenses.update('desktop-app', id, { metadata: sized(bytes) })
  assert.equal(await codeOf(change(16_384)), 'ok')
  assert.equal(await codeOf(change(16_385)), 'validation_error')
})

test('licenses.create(): later changes to the input change nothing stored', async () => {
  const { licensing, issue } = await newShop()
  const metadata = { list: [1] }
  const customFeatures = ['extra']
  const { id } = await issue({ metadata, customFeatures })
  metadata.list.push(2)
  customFeatures.push('more')
  const read = await licensing.licenses.get('desktop-app', id)
  assert.deepEqual([read.metadata, read.customFeatures], [{ list: [1] }, ['extra']])
})
