import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configure, reset, type LogRecord } from '@logtape/logtape'
import { newFixture } from './fixture.ts'

test('GET /search: gives the records as data without pages', async () => {
  const { send, keys, customer, licensing } = await newFixture()
  await licensing.customers.update('desktop-app', customer.id, { name: 'Ada' })
  const response = await send('GET', '/search?q=ADA%40', { key: keys.sk })
  assert.deepEqual(
    [response.status, JSON.parse(response.text)],
    [
      200,
      {
        data: [{ kind: 'customer', app: 'desktop-app', id: customer.id, label: `Ada <${customer.email}>` }],
      },
    ],
  )
})

test('GET /search: refuses queries by their rule', async () => {
  const { send, keys } = await newFixture()
  for (const query of [
    '',
    '?q=',
    '?q=%20',
    `?q=${'a'.repeat(201)}`,
    '?q=a%00',
    '?q=a&q=b',
    '?q=a&page=1',
    '?q=%FF%00',
  ]) {
    const response = await send('GET', `/search${query}`, { key: keys.sk })
    assert.equal(response.status, 422, query)
  }
})

test('GET /search: refuses a secret, and neither the response nor the log repeats it', async () => {
  const { send, keys, license } = await newFixture()
  const records: LogRecord[] = []
  await configure({
    reset: true,
    sinks: { memory: (record) => void records.push(record) },
    loggers: [
      { category: [], sinks: ['memory'], lowestLevel: 'trace' },
      { category: ['logtape', 'meta'], sinks: [] },
    ],
  })
  try {
    const secrets = [
      license.token!,
      keys.sk,
      'ACME-7K3QM-8Z2VT-PX9CW-41HRD-YB6NE',
      license.token!.slice(0, 150),
    ]
    for (const secret of secrets)
      for (const key of [keys.sk, keys.pk, undefined]) {
        const response = await send(
          'GET',
          `/search?q=${encodeURIComponent(secret)}`,
          key === undefined ? {} : { key },
        )
        assert.equal(response.status, key === undefined ? 401 : 422)
        if (key !== undefined) assert.match(response.text, /diagnose/)
        assert.equal(response.text.includes(secret.slice(0, 24)), false)
        assert.equal(response.text.includes(secret.slice(-24)), false)
      }
    await send('GET', '/search?q=ada@example.com', { key: keys.sk })
    const log = JSON.stringify(records)
    assert.ok(log.includes('/search'))
    for (const secret of [...secrets, 'ada@example.com'])
      assert.equal(log.includes(secret.slice(0, 20)), false)
  } finally {
    await reset()
  }
})

test('GET /licenses: takes times and an order, and refuses malformed ones', async () => {
  const { send, keys } = await newFixture()
  const at = '/apps/desktop-app/licenses'
  for (const query of [
    'expires_before=2099-01-01T00:00:00Z',
    'expires_after=2020-01-01T00:00:00%2B02:00',
    'seen_before=2099-01-01T00:00:00Z&status=active',
    'created_after=2020-01-01T00:00:00Z&sort=-expires_at',
  ])
    assert.equal((await send('GET', `${at}?${query}`, { key: keys.sk })).status, 200, query)
  for (const [query, field] of [
    ['expires_before=2099-01-01', 'expires_before'],
    ['expires_after=1700000000', 'expires_after'],
    ['seen_before=', 'seen_before'],
    ['created_after=2026-02-30T00:00:00Z', 'created_after'],
    ['sort=seen_at', 'sort'],
    ['sort=expires_at;drop', 'sort'],
    ['sort=+expires_at', 'sort'],
    ['expiresBefore=2099-01-01T00:00:00Z', '(unknown)'],
  ] as const) {
    const response = await send('GET', `${at}?${query}`, { key: keys.sk })
    assert.equal(response.status, 422, query)
    assert.ok(Object.hasOwn(response.error().details ?? {}, field), response.text)
  }
  const refused = await send('GET', `${at}?seen_before=2099-01-01T00:00:00Z`, { key: keys.pk })
  assert.equal(refused.status, 403)
})
