import { configure, reset, type LogRecord } from '@logtape/logtape'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apiKeySecret } from '../../src/core/api-keys/secret.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { testKeyPairs } from '../support/keys.ts'
import { masterKey } from '../support/fixtures.ts'
import { callRoute, inputFor, pathOf } from './call-route.ts'
import { newFixture, type Fixture } from './fixture.ts'
import type { TestResponse } from './openapi-checker.ts'
import { document, type Sent } from './test-server.ts'
import { expectations } from './route-expectations.ts'

/** A text that tests put in place of a secret. */
const canary = 'canary7Xq'

/** Collects all log records of `work`, with their properties. */
async function logged(work: () => Promise<void>): Promise<string> {
  const lines: string[] = []
  const sink = ({ message, properties }: LogRecord): void =>
    void lines.push(JSON.stringify([message, properties], withStack))
  await configure({
    reset: true,
    sinks: { sink },
    loggers: [
      { category: 'heartwood', sinks: ['sink'], lowestLevel: 'debug' },
      { category: ['logtape', 'meta'], sinks: [] },
    ],
  })
  try {
    await work()
  } finally {
    await reset()
  }
  assert.notEqual(lines.length, 0)
  return lines.join('\n')
}

function withStack(_name: string, value: unknown): unknown {
  return value instanceof Error ? `${value.stack}` : value
}

const outputOf = (response: TestResponse): string =>
  `${JSON.stringify([...response.headers])}\n${response.text}`

/** Requests with a secret in a part where it does not belong. */
function misplaced(row: string, body: object): readonly Sent[] {
  const takesBody = !row.startsWith('GET') && !row.startsWith('DELETE')
  const headers = { authorization: `Bearer ${apiKeySecret('sk', 'live')}${canary}` }
  const others = {
    'user-agent': canary,
    cookie: canary,
    referer: canary,
    'x-request-id': `${canary} <>`,
    'x-forwarded-for': canary,
  }
  if (!takesBody) return [{ headers }, { headers: others }]
  const fields = Object.keys(body).map((name) => ({ ...body, [name]: [canary] }))
  const bodies: readonly unknown[] = [
    { [canary]: canary },
    { ...body, token_secret: canary },
    `{"${canary}`,
    [canary],
    canary,
    ...fields,
  ]
  return [{ headers }, { headers: others }, ...bodies.map((wrong) => ({ body: wrong, headers: others }))]
}

async function misplaceEverywhere(
  fixture: Fixture,
  check: (response: TestResponse, row: string) => void,
): Promise<void> {
  for (const row of Object.keys(expectations)) {
    const input = await inputFor(fixture, row)
    const [method = '', path = ''] = row.split(' ')
    for (const sent of misplaced(row, input.body ?? {}))
      for (const key of [fixture.keys.sk, undefined]) {
        const where = pathOf(path, input)
        const parts = [
          where,
          `${where}${where.includes('?') ? '&' : '?'}${canary}=${canary}`,
          where.replace('desktop-app', canary),
        ]
        for (const at of parts) {
          const hasKey = key === undefined || (sent.headers && 'authorization' in sent.headers)
          const response = await fixture.send(method, at, hasKey ? sent : { ...sent, key })
          if (response.status >= 400) check(response, `${method} ${at} ${JSON.stringify(sent.body)}`)
        }
      }
  }
}

describe('a secret in the wrong part of a request', () => {
  test('no error response and no log line repeats it', async () => {
    const fixture = await newFixture()
    let refusals = 0
    const lines = await logged(() =>
      misplaceEverywhere(fixture, (response, what) => {
        refusals += 1
        assert.equal(outputOf(response).includes(canary), false, `${what}: ${outputOf(response)}`)
      }),
    )
    assert.ok(refusals > 500, `${refusals} refusals`)
    assert.equal(lines.includes(canary), false)
  })
})

describe('secrets of the server', () => {
  test('no response and no log line of any route shows them', async () => {
    const storage = memoryStorage()
    const fixture = await newFixture({ storage })
    const outputs: string[] = []
    const secrets: string[] = []
    const lines = await logged(async () => {
      for (const row of Object.keys(expectations).filter((name) => name !== 'DELETE /apps/:slug')) {
        const input = await inputFor(fixture, row)
        outputs.push(
          outputOf(
            await callRoute(fixture, row, input, { headers: { authorization: `Bearer ${fixture.keys.sk}` } }),
          ),
        )
      }
      const app = (await storage.findApp('desktop-app'))!
      const keys = await storage.listSigningKeys(app.id)
      const hashes = (await storage.listApiKeys({}, { limit: 100 })).map(({ hash }) => hash)
      secrets.push(app.tokenSecret, ...keys.flatMap(({ privateKey }) => privateKey ?? []), ...hashes)
    })
    const privateKeys = testKeyPairs.map(({ privateKeyPem }) => privateKeyPem.split('\n')[5]!)
    secrets.push(masterKey, ...privateKeys, ...Object.values(fixture.keys))
    for (const secret of secrets) {
      assert.ok(secret.length > 20)
      for (const output of [...outputs, lines])
        assert.equal(output.includes(secret), false, output.slice(0, 200))
    }
    assert.ok(
      outputs.some((output) => output.includes('eyJ')),
      'some response has a token',
    )
    assert.doesNotMatch(lines, /eyJ|[sp]k_(live|test)_|PRIVATE|@example\.com|desktop-app/)
  })

  test('GET /swagger/json: no example is a real secret', () => {
    const text = JSON.stringify(document)
    assert.doesNotMatch(text, /[sp]k_(live|test)_[0-9A-Za-z]{36}|eyJ[\w-]+\.[\w-]+\.[\w-]+|PRIVATE KEY/)
    for (const { publicKeyPem } of testKeyPairs)
      assert.equal(text.includes(publicKeyPem.split('\n')[3]!), false)
  })
})
