import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dump, spoken } from '../support/dump.ts'
import { installation, newShop, refusalOf, type Shop } from '../support/fixtures.ts'

const canary = 'c4n4ry'

interface UseCase {
  readonly call: (shop: Shop, input: never) => Promise<unknown>
  /** A legal value of every field. */
  readonly good: Readonly<Record<string, unknown>>
  /** The required fields. */
  readonly required?: readonly string[]
}

const paging = { page: 1, perPage: 5 }
const license = { installationId: installation(500), customerId: 'cus_x', tierId: 'pro', forever: true }

/** Every use case that takes an object. */
const useCases: Readonly<Record<string, UseCase>> = {
  'apps.create': {
    call: ({ licensing }, input) => licensing.apps.create(input),
    good: { name: 'n', slug: 'fresh', description: 'd', webhookUrl: 'https://example.com' },
    required: ['name', 'slug'],
  },
  'apps.update': {
    call: ({ licensing }, input) => licensing.apps.update('desktop-app', input),
    good: { name: 'n', description: 'd', webhookUrl: 'https://example.com' },
  },
  'apps.list': { call: ({ licensing }, input) => licensing.apps.list(input), good: paging },
  'tiers.create': {
    call: ({ licensing }, input) => licensing.tiers.create('desktop-app', input),
    good: { name: 'n', slug: 'fresh', description: 'd', position: 1, features: ['a'] },
    required: ['name', 'slug'],
  },
  'tiers.update': {
    call: ({ licensing }, input) => licensing.tiers.update('desktop-app', 'pro', input),
    good: { name: 'n', description: 'd', position: 1 },
  },
  'tiers.list': { call: ({ licensing }, input) => licensing.tiers.list('desktop-app', input), good: paging },
  'tiers.addFeature': {
    call: ({ licensing }, input) => licensing.tiers.addFeature('desktop-app', 'pro', input),
    good: { name: 'n', slug: 'fresh', description: 'd' },
    required: ['name', 'slug'],
  },
  'features.create': {
    call: ({ licensing }, input) => licensing.features.create('desktop-app', input),
    good: { name: 'n', slug: 'fresh', description: 'd' },
    required: ['name', 'slug'],
  },
  'features.update': {
    call: ({ licensing }, input) => licensing.features.update('desktop-app', 'api_access', input),
    good: { name: 'n', description: 'd' },
  },
  'features.list': {
    call: ({ licensing }, input) => licensing.features.list('desktop-app', input),
    good: paging,
  },
  'customers.create': {
    call: ({ licensing }, input) => licensing.customers.create('desktop-app', input),
    good: { email: 'a@b', name: 'n', externalId: 'x', metadata: {} },
    required: ['email'],
  },
  'customers.getOrCreate': {
    call: ({ licensing }, input) => licensing.customers.getOrCreate('desktop-app', input),
    good: { email: 'a@b', name: 'n', externalId: 'x', metadata: {} },
    required: ['email'],
  },
  'customers.update': {
    call: ({ licensing, customer }, input) => licensing.customers.update('desktop-app', customer.id, input),
    good: { email: 'a@b', name: 'n', externalId: 'x', metadata: {} },
  },
  'customers.list': {
    call: ({ licensing }, input) => licensing.customers.list('desktop-app', input),
    good: { ...paging, email: 'a', externalId: 'x' },
  },
  'licenses.create': {
    call: ({ licensing }, input) => licensing.licenses.create('desktop-app', input),
    good: { ...license, customFeatures: ['a'], metadata: {} },
    required: ['installationId', 'customerId', 'tierId'],
  },
  'licenses.update': {
    call: async ({ licensing }, input) => {
      const { data } = await licensing.licenses.list('desktop-app')
      return licensing.licenses.update('desktop-app', data[0]!.id, input)
    },
    good: { ...license, customFeatures: ['a'], metadata: {} },
  },
  'licenses.list': {
    call: ({ licensing }, input) => licensing.licenses.list('desktop-app', input),
    good: {
      ...paging,
      status: 'active',
      customerId: 'x',
      tierId: 'pro',
      installationId: installation(1),
      include: 'token',
    },
  },
  'licenses.revoke': {
    call: async ({ licensing }, input) => licensing.licenses.revoke('desktop-app', 'lic_x', input),
    good: { reason: 'r' },
  },
  'licenses.reinstate': {
    call: ({ licensing }, input) => licensing.licenses.reinstate('desktop-app', 'lic_x', input),
    good: { invalidatePrevious: true },
  },
  'licenses.regenerate': {
    call: ({ licensing }, input) =>
      licensing.licenses.regenerate('desktop-app', 'lic_01kfgt0000e008000000000001', input),
    good: { invalidatePrevious: true },
  },
  'licenses.regenerateAll': {
    call: ({ licensing }, input) => licensing.licenses.regenerateAll('desktop-app', input),
    good: { tierId: 'pro', customerId: 'x', dryRun: true },
  },
  rotateKeys: {
    call: ({ licensing }, input) => licensing.rotateKeys('desktop-app', input),
    good: { gracePeriodDays: 1, dryRun: true },
  },
  'apiKeys.create': {
    call: ({ licensing }, input) => licensing.apiKeys.create(input),
    good: { name: 'n', type: 'sk', mode: 'live', app: 'desktop-app', expiresAt: 4_000_000_000 },
  },
  'apiKeys.list': {
    call: ({ licensing }, input) => licensing.apiKeys.list(input),
    good: { ...paging, mode: 'live' },
  },
  'apiKeys.roll': {
    call: ({ licensing }, input) => licensing.apiKeys.roll('key_x', input),
    good: { overlapSeconds: 1 },
  },
  'verification.verify': {
    call: ({ licensing }, input) => licensing.verification.verify('desktop-app', input),
    good: { installationId: installation(1) },
  },
  'verification.verifyBatch': {
    call: ({ licensing }, input) => licensing.verification.verifyBatch('desktop-app', input),
    good: { installationIds: [installation(1)] },
  },
}

/** An object of `depth` levels, one inside the other, with a canary at the bottom. */
function nested(depth: number): object {
  let value: object = { [canary]: canary }
  for (let level = 1; level < depth; level++) value = { a: value }
  return value
}

function cyclic(): object {
  const value: Record<string, unknown> = { canary }
  value.self = value
  return value
}

/** Values that every field refuses. */
const odd: readonly (readonly [what: string, value: unknown])[] = [
  ['a function', () => canary],
  ['a symbol', Symbol(canary)],
  ['a bigint', 5n],
  ['a date', new Date(0)],
  ['a map', new Map([[canary, canary]])],
  ['bytes', new Uint8Array(3)],
  ['a boxed text', new String(canary)],
  [
    'an object of a class',
    new (class {
      readonly name = canary
    })(),
  ],
  ['NaN', Number.NaN],
  ['Infinity', Infinity],
  ['2^53', 2 ** 53],
  ['-2^53', -(2 ** 53)],
  ['half a number', 2.5],
  ['U+0000', `${canary}\u0000`],
  ['an unpaired high surrogate', `${canary}\uD800`],
  ['an unpaired low surrogate', `\uDC00${canary}`],
  ['a list with U+0000', [`${canary}\u0000`]],
  ['a list of lists', [[canary]]],
  ['a list with a hole', Array<string>(2)],
  ['a list with nothing in it', [undefined]],
  ['an object with U+0000 in a name', { [`${canary}\u0000`]: 1 }],
  ['an object with NaN in it', { [canary]: Number.NaN }],
  ['an object with a hole in a list', { [canary]: Array<string>(2) }],
  ['an object with undefined in it', { [canary]: undefined }],
  ['an object with a function', { toJSON: () => canary }],
  ['33 levels', nested(33)],
  ['200,000 levels', nested(200_000)],
  ['a cycle', cyclic()],
  ['text of megabytes', canary.repeat(500_000)],
]

/** Further values that a field refuses, by the type of its legal value. */
function oddFor(good: unknown): readonly (readonly [string, unknown])[] {
  const others = { text: canary, number: 5, flag: false, list: [canary], object: { [canary]: canary } }
  const types = { string: 'text', number: 'number', boolean: 'flag' } as const
  const own = types[typeof good as keyof typeof types] ?? (Array.isArray(good) ? 'list' : 'object')
  return Object.entries(others).filter(([type]) => type !== own)
}

async function refused(
  shop: Shop,
  { call }: UseCase,
  input: unknown,
  fields: readonly string[],
  what: string,
): Promise<void> {
  const error = await refusalOf(call(shop, input as never))
  assert.equal(error.code, 'validation_error', what)
  assert.deepEqual(Object.keys(error.details!), fields, what)
  assert.ok(!spoken(error).includes(canary), `${what} is repeated in the answer`)
}

async function openShop(): Promise<{ readonly shop: Shop; readonly before: string }> {
  const shop = await newShop()
  await shop.issue()
  return { shop, before: await dump(shop.storage) }
}

for (const [name, useCase] of Object.entries(useCases))
  test(`${name}(): refuses a malformed field, names the field without its value, and writes nothing`, async () => {
    const { shop, before } = await openShop()
    for (const [field, value] of Object.entries(useCase.good))
      for (const [what, wrong] of [...odd, ...oddFor(value)])
        await refused(shop, useCase, { ...useCase.good, [field]: wrong }, [field], `${field}: ${what}`)
    assert.equal(await dump(shop.storage), before)
  })

for (const [name, useCase] of Object.entries(useCases))
  test(`${name}(): refuses unknown and missing fields, and any other type than an object`, async () => {
    const { shop, before } = await openShop()
    const { good, required = [] } = useCase
    const shown = JSON.parse('{"__proto__":1}') as object
    await refused(shop, useCase, { ...good, id: canary }, ['id'], 'a name')
    await refused(shop, useCase, { ...good, [`${canary} x`]: 1 }, ['(unknown)'], 'a name that is none')
    await refused(shop, useCase, { ...good, [`${canary}${'x'.repeat(60)}`]: 1 }, ['(unknown)'], 'a long name')
    await refused(
      shop,
      useCase,
      Object.assign(Object.create(null), { ...good, constructor: 1 }),
      ['constructor'],
      'constructor',
    )
    const polluting = Object.defineProperties({ ...good }, Object.getOwnPropertyDescriptors(shown))
    await refused(shop, useCase, polluting, ['__proto__'], '__proto__')
    for (const field of required) {
      const { [field]: _left, ...rest } = good
      await refused(shop, useCase, rest, [field], `no ${field}`)
      await refused(shop, useCase, Object.setPrototypeOf({ ...rest }, good), [field], `inherited ${field}`)
    }
    for (const body of [null, [], [good], canary, 5, true, () => good])
      await refused(shop, useCase, body, ['(body)'], `${typeof body} for a body`)
    assert.equal(await dump(shop.storage), before)
  })

test('parse(): names all broken fields in one error', async () => {
  const { shop } = await openShop()
  const error = await refusalOf(
    shop.licensing.licenses.create('desktop-app', { installationId: 'x', customerId: 5, more: 1 } as never),
  )
  assert.deepEqual(Object.keys(error.details!).toSorted(), ['customerId', 'installationId', 'more', 'tierId'])
  for (const rules of Object.values(error.details!)) assert.ok(rules.length === 1 && rules[0]!.length > 0)
})

test('parse(): counts text to the character', async () => {
  const { shop } = await openShop()
  const { create } = shop.licensing.features
  const texts = [
    'x',
    'é',
    'e\u0301',
    '😀',
    '\uFEFF',
    '\u202E',
    '\r\n\t\u001B[31m',
    "'; DROP TABLE app; --",
    '</script>',
    'ﷺ',
    'x'.repeat(255),
  ]
  for (const [at, name] of texts.entries())
    assert.equal((await create('desktop-app', { name, slug: `text_${at}` })).name, name)
  for (const name of ['', 'x'.repeat(256), '😀'.repeat(128)])
    await refused(
      shop,
      useCases['features.create']!,
      { name, slug: 'fresh' },
      ['name'],
      'a name too short or long',
    )
})

test('parse(): metadata has at most 32 levels and 16 KiB, counted in UTF-8', async () => {
  const { shop } = await openShop()
  const { update } = shop.licensing.customers
  const { customer } = shop
  const sized = (text: string, bytes: number): object => ({
    a: text.repeat((bytes - 8) / Buffer.byteLength(text)),
  })
  for (const metadata of [nested(32), sized('x', 16_384), sized('é', 16_384)] as never[])
    assert.deepEqual((await update('desktop-app', customer.id, { metadata })).metadata, metadata)
  for (const metadata of [nested(33), sized('x', 16_385), sized('é', 16_386)])
    await refused(shop, useCases['customers.update']!, { metadata }, ['metadata'], 'metadata')
})
