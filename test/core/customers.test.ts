import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CustomerChanges, NewCustomer } from '../../src/core/index.ts'
import { codeOf, newShop, refusalOf, tallyOf, type Shop } from '../support/fixtures.ts'

/** Two spellings, and `true` if they are one e-mail. */
const spellings: readonly (readonly [what: string, one: string, other: string, same: boolean])[] = [
  ['case', 'Eve@Example.COM', 'eve@example.com', true],
  ['É and é', 'CAFÉ@example.com', 'café@example.com', true],
  ['composed and decomposed', 'caf\u00E9@example.com', 'cafe\u0301@example.com', true],
  ['decomposed in the other case', 'CAFE\u0301@example.com', 'caf\u00E9@example.com', true],
  ['a full-width @', 'eve＠example.com', 'eve@example.com', true],
  ['a small @', 'eve﹫example.com', 'eve@example.com', true],
  ['full-width letters', 'ＥＶＥ@example.com', 'eve@example.com', true],
  ['a sign that unfolds to capitals', '℡@example.com', 'tel@example.com', true],
  ['a ligature', 'ﬁn@example.com', 'fin@example.com', true],
  ['İ and i with a dot above', 'İ@example.com', 'i\u0307@example.com', true],
  ['İ and i', 'İ@example.com', 'i@example.com', false],
  ['ı and i', 'ı@example.com', 'i@example.com', false],
  ['ẞ and ß', 'STRAẞE@example.com', 'straße@example.com', true],
  ['ß and ss', 'straße@example.com', 'strasse@example.com', false],
  ['Σ at the end of a word and σ', 'ΣΑΣ@example.com', 'σασ@example.com', true],
  ['Σ and ς', 'ΣΑΣ@example.com', 'σας@example.com', true],
  ['Cyrillic а and Latin a', 'а@example.com', 'a@example.com', false],
  ['a dot at the end', 'eve@example.com.', 'eve@example.com', false],
  ['a dot in the name', 'e.ve@example.com', 'eve@example.com', false],
]

test('customers: an e-mail is unique in any case and form, in create, update and look-up', async () => {
  for (const [what, one, other, same] of spellings) {
    const { licensing } = await newShop()
    const { create, getByEmail, getOrCreate, list, update } = licensing.customers
    const { id } = await create('desktop-app', { email: one })
    assert.equal(await codeOf(getByEmail('desktop-app', other)), same ? 'ok' : 'not_found', what)
    const { data } = await list('desktop-app', { email: other })
    if (same)
      assert.deepEqual(
        data.map((found) => found.id),
        [id],
        what,
      )
    assert.equal((await getOrCreate('desktop-app', { email: other })).created, !same, what)
    assert.equal(await codeOf(create('desktop-app', { email: other })), 'conflict', what)
    const third = await create('desktop-app', { email: 'third@example.com' })
    assert.equal(await codeOf(update('desktop-app', third.id, { email: one })), 'conflict', what)
    assert.equal(await codeOf(update('desktop-app', id, { email: same ? other : one })), 'ok', what)
  }
})

test('customers.create(): stores the e-mail as it was written', async () => {
  const { licensing } = await newShop()
  const { email } = await licensing.customers.create('desktop-app', { email: 'ＡDA＠Exämple.com' })
  assert.equal(email, 'ＡDA＠Exämple.com')
})

test('customers.create(): refuses a malformed e-mail', async () => {
  const { licensing } = await newShop()
  const odd: readonly unknown[] = [
    ...[
      '',
      'a',
      'ab',
      'ada',
      '@b',
      'a@',
      'a@b@c',
      'a b@c',
      'a@b ',
      ' a@b',
      'a@b\n',
      'a＠b@c',
      'a@b\u3000',
      'a@b\u0000',
    ],
    ...['a@\uD800', `${'a'.repeat(253)}@b`, null, undefined, 5, ['a@b'], { a: 'a@b' }],
  ]
  for (const email of odd) {
    const error = await refusalOf(licensing.customers.create('desktop-app', { email } as NewCustomer))
    assert.deepEqual(
      [error.code, Object.keys(error.details!)],
      ['validation_error', ['email']],
      JSON.stringify(email),
    )
  }
  assert.equal(
    await codeOf(licensing.customers.create('desktop-app', { email: `${'a'.repeat(252)}@b` })),
    'ok',
  )
})

test('customers.getOrCreate(): of 200 concurrent callers one creates the customer', async () => {
  const { licensing } = await newShop()
  const calls = Array.from({ length: 200 }, (_, at) =>
    licensing.customers.getOrCreate('desktop-app', {
      email: at % 2 ? 'new@example.com' : 'NEW@example.com',
      name: `${at}`,
    }),
  )
  const found = await Promise.all(calls)
  assert.equal(found.filter(({ created }) => created).length, 1)
  assert.equal(new Set(found.map(({ customer }) => JSON.stringify(customer))).size, 1)
  assert.equal((await licensing.customers.list('desktop-app', { email: 'new@' })).total, 1)
})

test('customers.getOrCreate(): leaves an existing customer unchanged', async () => {
  const { licensing } = await newShop()
  const given = { email: 'bob@example.com', name: 'Bob', externalId: 'b1', metadata: { a: 1 } }
  const { customer, created } = await licensing.customers.getOrCreate('desktop-app', given)
  assert.equal(created, true)
  const other = { email: 'BOB@example.com', name: 'Robert', externalId: 'b2', metadata: {} }
  assert.deepEqual(await licensing.customers.getOrCreate('desktop-app', other), { customer, created: false })
  const taken = { email: 'carl@example.com', externalId: 'b1' }
  const error = await refusalOf(licensing.customers.getOrCreate('desktop-app', taken))
  assert.deepEqual([error.code, Object.keys(error.details!)], ['conflict', ['externalId']])
})

test('customers.list(): the e-mail filter has no wildcards', async () => {
  const { licensing } = await newShop()
  const { create, list } = licensing.customers
  const emails = [
    'a%b@example.com',
    'a_b@example.com',
    'a\\b@example.com',
    "a'b@example.com",
    'axb@example.com',
    '[a]*@example.com',
  ]
  for (const email of emails) await create('desktop-app', { email })
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['%', ['a%b@example.com']],
    ['_', ['a_b@example.com']],
    ['\\', ['a\\b@example.com']],
    ["'", ["a'b@example.com"]],
    ['*', ['[a]*@example.com']],
    ['A%B', ['a%b@example.com']],
    ['a.b', []],
    ['ＡＤＡ', ['ada@example.com']],
    ['EXAMPLE', [...emails.toReversed(), 'ada@example.com']],
  ]
  for (const [email, found] of cases) {
    const { data, total } = await list('desktop-app', { email })
    assert.deepEqual(
      data.map((customer) => customer.email),
      found,
      email,
    )
    assert.equal(total, found.length)
  }
})

test('customers: an external id is unique in its app to the letter, and may be cleared', async () => {
  const { licensing } = await newShop()
  const { create, getByExternalId, list, update } = licensing.customers
  const one = await create('desktop-app', { email: '1@example.com', externalId: 'Ext' })
  assert.equal(await codeOf(create('desktop-app', { email: '2@example.com', externalId: 'ext' })), 'ok')
  const error = await refusalOf(create('desktop-app', { email: '3@example.com', externalId: 'Ext' }))
  assert.deepEqual([error.code, Object.keys(error.details!)], ['conflict', ['externalId']])
  assert.equal((await getByExternalId('desktop-app', 'Ext')).id, one.id)
  assert.deepEqual(
    (await list('desktop-app', { externalId: 'Ext' })).data.map(({ id }) => id),
    [one.id],
  )
  assert.equal(await codeOf(getByExternalId('desktop-app', 'EXT')), 'not_found')
  await update('desktop-app', one.id, { externalId: null })
  assert.equal(await codeOf(create('desktop-app', { email: '3@example.com', externalId: 'Ext' })), 'ok')
  const two = await create('desktop-app', { email: '4@example.com' })
  assert.equal(await codeOf(update('desktop-app', two.id, { externalId: 'Ext' })), 'conflict')
})

test('customers.update(): an absent field stays, null clears it, and metadata is replaced as a whole', async () => {
  const { licensing, clock } = await newShop()
  const { create, update } = licensing.customers
  const given = { email: 'bob@example.com', name: 'Bob', externalId: 'b1', metadata: { a: 1, b: 2 } }
  const { id, createdAt } = await create('desktop-app', given)
  clock.seconds += 10
  const unchanged = await update('desktop-app', id, {})
  assert.deepEqual(unchanged, { id, ...given, createdAt, updatedAt: clock.seconds })
  assert.deepEqual((await update('desktop-app', id, { metadata: { c: 3 } })).metadata, { c: 3 })
  const cleared = await update('desktop-app', id, { name: null, externalId: null, metadata: null })
  assert.deepEqual(
    [cleared.name, cleared.externalId, cleared.metadata, cleared.email],
    [null, null, {}, given.email],
  )
  const odd: readonly CustomerChanges[] = [
    { email: null },
    { id: 'x' },
    { foldedEmail: 'x' },
    { createdAt: 1 },
  ] as never
  for (const changes of odd)
    assert.equal(await codeOf(update('desktop-app', id, changes)), 'validation_error')
})

test('customers: a customer belongs to one app, and another app knows neither its id nor its e-mail', async () => {
  const { licensing, customer } = await newShop()
  await licensing.apps.create({ name: 'Other', slug: 'other-app' })
  const { create, delete: remove, get, getByEmail, update } = licensing.customers
  const { id, email } = customer
  for (const app of ['other-app', 'no-app']) {
    const calls = [get(app, id), getByEmail(app, email), update(app, id, { name: 'x' }), remove(app, id)]
    assert.deepEqual(await tallyOf(calls), { not_found: 4 })
  }
  assert.equal(await codeOf(create('other-app', { email: customer.email })), 'ok')
  assert.deepEqual(await get('desktop-app', customer.id), customer)
  const updates = await licensing.audit.list(null, { action: 'customer.updated' })
  assert.deepEqual(updates.data, [], 'A refused update leaves no entry')
})

test("customers.delete(): deletes the customer's licenses, frees its names, and leaves other customers alone", async () => {
  const { licensing, customer, issue } = await newShop()
  const bob = await licensing.customers.create('desktop-app', { email: 'bob@example.com' })
  const [gone, kept] = [await issue(), await issue({ customerId: bob.id })]
  await licensing.customers.delete('desktop-app', customer.id)
  assert.equal(await codeOf(licensing.licenses.get('desktop-app', gone.id)), 'not_found')
  const { installationId, jti } = gone
  for (const reference of [{ installationId }, { jti }])
    assert.equal(await codeOf(licensing.verification.verify('desktop-app', reference)), 'not_found')
  assert.equal((await licensing.verification.verifyToken('desktop-app', gone.token)).code, 'not_found')
  assert.equal(await codeOf(licensing.licenses.renew('desktop-app', gone.id, gone.token)), 'not_found')
  assert.equal(await codeOf(licensing.licenses.get('desktop-app', kept.id)), 'ok')
  assert.equal(await codeOf(licensing.customers.delete('desktop-app', customer.id)), 'not_found')
  const again = await licensing.customers.create('desktop-app', { email: customer.email })
  assert.equal(await codeOf(issue({ installationId, customerId: again.id })), 'ok')
})

/** Values that are no id, e-mail or name, but that a look-up may get. */
const noNames: readonly unknown[] = [
  '',
  '\u0000',
  'a\u0000b',
  '\uD800',
  '%',
  '__proto__',
  'cus_',
  undefined,
  null,
  5,
  {},
  [],
]

function lookUps({ licensing }: Shop, text: string): readonly Promise<unknown>[] {
  const { customers } = licensing
  return [
    customers.get('desktop-app', text),
    customers.getByEmail('desktop-app', text),
    customers.getByExternalId('desktop-app', text),
    customers.update('desktop-app', text, { name: 'x' }),
    customers.delete('desktop-app', text),
    customers.get(text, 'cus_x'),
  ]
}

test('customers: a look-up by malformed text is not_found', async () => {
  const shop = await newShop()
  for (const text of noNames)
    assert.deepEqual(await tallyOf(lookUps(shop, text as string)), { not_found: 6 }, JSON.stringify(text))
})
