import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { withFiles } from './temporary-folder.ts'

/** The columns that docs/storage.md describes, as `table.column`. */
function described(): string[] {
  const sections = readFileSync('docs/storage.md', 'utf8').split(/^### /m).slice(1)
  return sections.flatMap((section) => {
    const tables = section.slice(0, section.indexOf('\n')).split(', ')
    const cells = [...section.matchAll(/^\| (`[^|]+)\|/gm)].map(([, cell]) => cell!)
    const columns = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name!))
    return tables.flatMap((table) => columns.map((column) => `${table}.${column}`))
  })
}

it('docs/storage.md says what every stored column holds', () =>
  withFiles(async (nextFile) => {
    const filename = nextFile()
    await (await sqliteStorage({ filename })).close()
    const connection = await openConnection(filename, { readonly: true })
    const rows = connection
      .prepare(
        `select t.name || '.' || c.name as name from sqlite_schema t, pragma_table_info(t.name) c
        where t.type = 'table'`,
      )
      .all([]) as { name: string }[]
    connection.close()
    const known = new Set(described())
    const missing = rows.map(({ name }) => name).filter((name) => !known.has(name))
    assert.deepEqual(missing, [])
    const stored = new Set(rows.map(({ name }) => name))
    const gone = [...known].filter((name) => !stored.has(name) && !name.startsWith('heartwood_migration'))
    assert.deepEqual(gone, [])
  }))
