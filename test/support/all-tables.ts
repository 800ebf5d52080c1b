import { join } from 'node:path'
import type { Storage } from '../../src/core/index.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { openRaw } from '../storage/raw-rows.ts'
import { inTemporaryFolder } from '../storage/temporary-folder.ts'

/** Reads all rows of every table, as one text. The times of last use of API keys are left out, because each request writes them. */
export type Tables = () => Promise<string>

/** Gives `work` a fresh database in a file, and a way to read all its tables. */
export function onTables(work: (storage: Storage, tables: Tables) => Promise<void>): Promise<void> {
  return inTemporaryFolder(async (folder) => {
    const filename = join(folder, 'heartwood.db')
    const storage = await sqliteStorage({ filename })
    const raw = await openRaw(filename)
    const names = await raw.run("select name from sqlite_master where type = 'table' order by name")
    const tables: Tables = async () => {
      const rows: unknown[] = []
      for (const { name } of names) rows.push(name, await raw.run(`select * from "${String(name)}"`))
      return JSON.stringify(rows, (key, value: unknown) =>
        key === 'last_used_at' ? null : typeof value === 'bigint' ? `${value}` : value,
      )
    }
    try {
      await work(storage, tables)
    } finally {
      await raw.end()
      await storage.close()
    }
  })
}
