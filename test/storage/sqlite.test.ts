import { describe, it } from 'node:test'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { storageCases } from '../../src/testing/index.ts'
describe('SQLite storage in memory: the contract', () => {
  for (const { name, run } of storageCases) it(name, () => run(() => sqliteStorage({ filename: ':memory:' })))
})
