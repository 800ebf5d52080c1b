import assert from 'node:assert/strict'
import { test } from 'node:test'
import { routes } from '../../src/adapters/routes/index.ts'
import { wireSchema } from '../../src/adapters/http/wire.ts'
import { readVectors } from '../support/vectors.ts'
import { newShopServer } from './test-server.ts'

const strings = readVectors('naughty-strings/blns.json') as readonly string[]

test('naughty strings in every other field: never 5xx', async () => {
  const {
    send,
    keys: { sk: key },
  } = await newShopServer()
  for (const { method, path, body } of routes) {
    if (body === undefined) continue
    const where = path
      .replace(':slug', 'desktop-app')
      .replace(':tier', 'pro')
      .replace(/:\w+/g, 'lic_00000000000000000000000000')
    const names = Object.keys(wireSchema(body.schema).properties as object)
    for (const [at, text] of strings.entries()) {
      const name = names[at % names.length]!
      const response = await send(method, where, { key, body: { [name]: text } })
      assert.ok(response.status < 500, `${method} ${where} ${name} ${JSON.stringify(text)}: ${response.text}`)
    }
  }
})

test('naughty strings as query values: never 5xx, and no match', async () => {
  const {
    send,
    keys: { sk: key },
  } = await newShopServer()
  const queries = routes.flatMap(({ path, query }) =>
    query === undefined
      ? []
      : Object.keys(wireSchema(query.schema).properties as object).map((name) => [path, name] as const),
  )
  for (const text of strings)
    for (const [path, name] of queries) {
      const where = `${path.replace(':slug', 'desktop-app')}?${name}=${encodeURIComponent(text)}`
      const response = await send('GET', where, { key })
      assert.ok(response.status < 500, `${where}: ${response.text}`)
      assert.ok(response.status !== 200 || !path.includes('/by-'), `${where} finds ${response.text}`)
    }
})
