import type { KeyStatementRecord, KeyStatementStorage } from '../../core/storage/index.ts'
import type { Runner } from './runner.ts'
import { requireParent, type Tables } from './tables.ts'

export function keyStatementStorage({ read, write }: Runner): KeyStatementStorage {
  return {
    listKeyStatements: (appId) => read(({ chains }) => chains.get(appId)?.statements ?? []),
    insertKeyStatement: (statement) => write((tables) => insertKeyStatement(tables, statement)),
  }
}

export function insertKeyStatement({ apps, chains }: Tables, statement: KeyStatementRecord): boolean {
  const { appId, seq } = statement
  requireParent(apps.get(appId))
  const statements = chains.get(appId)?.statements ?? []
  if (statements.some((other) => other.seq === seq)) return false
  chains.replace({ id: appId, statements: [...statements, statement].toSorted((a, b) => a.seq - b.seq) })
  return true
}
