import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { openApiText } from '../../scripts/openapi.ts'
import { claims, reference } from '../../scripts/reference.ts'
import { claimsOf, headerText } from '../support/tokens.ts'
import { newShop, start, tokenOf } from '../support/fixtures.ts'

test('docs/reference.md: equals the generated page; if not, run npm run reference', async () => {
  assert.equal(readFileSync('docs/reference.md', 'utf8'), await reference())
})

test('openapi.json: equals the generated document; if not, run npm run reference', async () => {
  assert.equal(readFileSync('openapi.json', 'utf8'), await openApiText())
})

test('docs/reference.md: lists the claims and the header fields of a real token', async () => {
  const { issue } = await newShop()
  const token = tokenOf(await issue({ customLimits: { projects: 5 }, updatesUntil: start }))
  assert.deepEqual(Object.keys(claimsOf(token)).toSorted(), Object.keys(claims).toSorted())
  assert.deepEqual(Object.keys(JSON.parse(headerText(token)) as object), ['alg', 'typ', 'kid'])
})
