import assert from 'node:assert/strict'
import { test } from 'node:test'
import { postgresStorage, type PostgresOptions } from '../../src/storage/postgres.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'

test('sqliteStorage(): refuses a filename that names no file', async () => {
  for (const filename of ['', undefined, null, 7])
    await assert.rejects(sqliteStorage({ filename: filename as string }), /^TypeError: filename must /)
})

test('postgresStorage(): refuses unusable options, names the option and repeats no value', async () => {
  const connectionString = 'postgres://127.0.0.1:1/x'
  const wrong: readonly (readonly [name: string, given: object])[] = [
    ...[
      undefined,
      null,
      'secret',
      'mysql://a:secret@b/c',
      'localhost:5432/secret',
      'postgres://a:secret@:x/',
    ].map((given) => ['connectionString', { connectionString: given }] as const),
    ...[0, 1.5, '10'].map((connections) => ['connections', { connectionString, connections }] as const),
    ...[-1, 0.5].map((ms) => ['statementTimeoutMs', { connectionString, statementTimeoutMs: ms }] as const),
  ]
  const connection = { connectionString: 'postgres://a:b,c@127.0.0.1:1/x' }
  await assert.rejects(postgresStorage(connection), { code: 'unavailable' })
  for (const [name, given] of wrong)
    await assert.rejects(postgresStorage(given as PostgresOptions), (error: unknown) => {
      assert.ok(
        error instanceof TypeError && error.message.startsWith(`${name} must `),
        JSON.stringify(given),
      )
      return !error.message.includes('secret')
    })
})
