import { configure, reset, type LogRecord } from '@logtape/logtape'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apiKeySecret } from '../../src/core/api-keys/secret.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { testKeyPairs } from '../support/keys.ts'
import { masterKey } from '../support/fixtures.ts'
import { callRoute, givenFor, pathOf } from './calls.ts'
import { newCounter, type Counter } from './credentials.ts'
import type { Answer } from './documented.ts'
import { document, type Sent } from './http.ts'
import { judgements } from './judgements.ts'

const canary = 'canary7Xq'

/** Collects what is logged while `work` runs, each record with all its properties. */
async function logged(work: () => Promise<void>): Promise<string> {
  const lines: string[] = []
  const sink = ({ message, properties }: LogRecord): void =>
    void lines.push(JSON.stringify([message, properties], shown))
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

function shown(_name: string, value: unknown): unknown {
  return value instanceof Error ? `${value.stack}` : value
}

const outputOf = (answer: Answer): string => `${JSON.stringify([...answer.headers])}\n${answer.text}`

/** Ways to put a secret into a request where it does not belong. */
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
  counter: Counter,
  holds: (answer: Answer, row: string) => void,
): Promise<void> {
  for (const row of Object.keys(judgements)) {
    const given = await givenFor(counter, row)
    const [method = '', path = ''] = row.split(' ')
    for (const sent of misplaced(row, given.body ?? {}))
      for (const key of [counter.keys.sk, undefined]) {
        const where = pathOf(path, given)
        const parts = [
          where,
          `${where}${where.includes('?') ? '&' : '?'}${canary}=${canary}`,
          where.replace('desktop-app', canary),
        ]
        for (const at of parts) {
          const hasKey = key === undefined || (sent.headers && 'authorization' in sent.headers)
          const answer = await counter.send(method, at, hasKey ? sent : { ...sent, key })
          if (answer.status >= 400) holds(answer, `${method} ${at} ${JSON.stringify(sent.body)}`)
        }
      }
  }
}

describe('a secret where it does not belong', () => {
  test('is in no refusal and in no log line, wherever it was put', async () => {
    const counter = await newCounter()
    let refusals = 0
    const lines = await logged(() =>
      misplaceEverywhere(counter, (answer, what) => {
        refusals += 1
        assert.equal(outputOf(answer).includes(canary), false, `${what}: ${outputOf(answer)}`)
      }),
    )
    assert.ok(refusals > 500, `${refusals} refusals`)
    assert.equal(lines.includes(canary), false)
  })
})

describe('what nobody may see', () => {
  test('is in no answer and in no log line of any route, well called', async () => {
    const storage = memoryStorage()
    const counter = await newCounter({ storage })
    const outputs: string[] = []
    const secrets: string[] = []
    const lines = await logged(async () => {
      for (const row of Object.keys(judgements).filter((name) => name !== 'DELETE /apps/:slug')) {
        const given = await givenFor(counter, row)
        outputs.push(
          outputOf(
            await callRoute(counter, row, given, { headers: { authorization: `Bearer ${counter.keys.sk}` } }),
          ),
        )
      }
      const app = (await storage.findApp('desktop-app'))!
      const keys = await storage.listSigningKeys(app.id)
      const hashes = (await storage.listApiKeys({}, { limit: 100 })).map(({ hash }) => hash)
      secrets.push(app.tokenSecret, ...keys.map((key) => String(key.privateKey)), ...hashes)
    })
    const privateKeys = testKeyPairs.map(({ privateKeyPem }) => privateKeyPem.split('\n')[5]!)
    secrets.push(masterKey, ...privateKeys, ...Object.values(counter.keys))
    for (const secret of secrets) {
      assert.ok(secret.length > 20)
      for (const output of [...outputs, lines])
        assert.equal(output.includes(secret), false, output.slice(0, 200))
    }
    assert.ok(
      outputs.some((output) => output.includes('eyJ')),
      'tokens were answered',
    )
    assert.doesNotMatch(lines, /eyJ|[sp]k_(live|test)_|PRIVATE|@example\.com|desktop-app/)
  })

  test('is not in the document, whose examples are nobody’s', () => {
    const text = JSON.stringify(document)
    assert.doesNotMatch(text, /[sp]k_(live|test)_[0-9A-Za-z]{36}|eyJ[\w-]+\.[\w-]+\.[\w-]+|PRIVATE KEY/)
    for (const { publicKeyPem } of testKeyPairs)
      assert.equal(text.includes(publicKeyPem.split('\n')[3]!), false)
  })
})
