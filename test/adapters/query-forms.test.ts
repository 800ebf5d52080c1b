import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from '@sinclair/typebox'
import { fromQuery } from '../../src/adapters/http/wire.ts'
import { flag, instant } from '../../src/core/input/fields.ts'
import { input } from '../../src/core/input/parse.ts'

interface Fields {
  readonly dryRun?: boolean
  readonly perPage?: number
  readonly until?: number
  readonly installationId?: string
}

const fields = input<Fields>()(
  Type.Object({
    dryRun: Type.Optional(flag('')),
    perPage: Type.Optional(Type.Integer()),
    until: Type.Optional(instant('')),
    installationId: Type.Optional(Type.String()),
  }),
)

const queries = [
  'installation_id=a1b2-c3',
  'installation_id=',
  'installation_id=~._-Z',
  'installationId=a',
  'dry_run=true',
  'dry_run=yes',
  'per_page=10',
  'per_page=010',
  'until=2026-01-23',
  'until=x',
  '__proto__=a',
  'constructor=a',
  'unknown=a',
  'installation_id=a+b',
  'installation_id=%41',
  'installation%5Fid=a',
  'installation_id=a=b',
  '=',
  '',
  'a'.repeat(64) + '=a',
]

test('fromQuery(): one parameter reads as it does among others', () => {
  // The ampersand at the end leaves the parameters as they are, but such a query is not the plain one.
  for (const query of queries) {
    const [one, another] = [fromQuery(fields, query), fromQuery(fields, `${query}&`)]
    assert.deepEqual(Object.entries(one), Object.entries(another), query)
  }
})
