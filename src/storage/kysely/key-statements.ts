import type { KeyStatementRecord, KeyStatementStorage } from '../../core/storage/index.ts'
import { insertUnlessTaken } from './queries.ts'
import { keyStatementRows } from './rows.ts'
import { KyselySigningKeys } from './signing-keys.ts'

export abstract class KyselyKeyStatements extends KyselySigningKeys implements KeyStatementStorage {
  async listKeyStatements(appId: string): Promise<readonly KeyStatementRecord[]> {
    return keyStatementRows.toRecords(await this.executor.readAll(this.executor.hot.keyStatements, [appId]))
  }

  insertKeyStatement(statement: KeyStatementRecord): Promise<boolean> {
    return this.executor.write((db) =>
      insertUnlessTaken(db, 'heartwood_key_statement', keyStatementRows.toRow(statement)),
    )
  }
}
