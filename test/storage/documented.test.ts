import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { withColumns } from '../../scripts/columns.ts'
import { type Connection, openConnection } from '../../src/storage/sqlite/connection.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { withFiles } from './temporary-folder.ts'

const page = readFileSync('docs/storage.md', 'utf8')

/** One column, as `table.column`, and its type: `integer or null`. */
type Columns = ReadonlyMap<string, string>

/** The columns that docs/storage.md describes. */
function documentedColumns(): Columns {
  const sections = page.split(/^### /m).slice(1)
  return new Map(
    sections.flatMap((section) => {
      const tables = section.slice(0, section.indexOf('\n')).split(', ')
      const rows = [...section.matchAll(/^\| (`[^|]+)\| ([^|]+) \|/gm)]
      return rows.flatMap(([, names = '', type = '']) => {
        const columns = [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name!)
        return tables.flatMap((table) =>
          columns.map((column) => [`${table}.${column}`, type.trim()] as const),
        )
      })
    }),
  )
}

interface ColumnInfo {
  readonly name: string
  readonly type: string
  readonly notnull: number
}

function storedColumns(connection: Connection): Columns {
  const rows = connection
    .prepare(
      `select t.name || '.' || c.name as name, c.type, c."notnull" from sqlite_schema t, pragma_table_info(t.name) c
      where t.type = 'table'`,
    )
    .all([]) as ColumnInfo[]
  return new Map(rows.map(({ name, type, notnull }) => [name, notnull === 1 ? type : `${type} or null`]))
}

/** The columns of a new database. */
const newDatabase = (): Promise<Columns> =>
  withFiles(async (nextFile) => {
    const filename = nextFile()
    await (await sqliteStorage({ filename })).close()
    const connection = await openConnection(filename, { readonly: true })
    try {
      return storedColumns(connection)
    } finally {
      connection.close()
    }
  })

const isOfKysely = (name: string): boolean => name.startsWith('heartwood_migration')

describe('docs/storage.md', () => {
  it('has the tables of columns that `npm run reference` writes', async () => {
    assert.equal(page, await withColumns(page))
  })

  it('describes every column of a new database, and no other', async () => {
    const stored = [...(await newDatabase()).keys()]
    const documented = documentedColumns()
    const missing = stored.filter((name) => !documented.has(name))
    assert.deepEqual(missing, [])
    const gone = [...documented.keys()].filter((name) => !stored.includes(name) && !isOfKysely(name))
    assert.deepEqual(gone, [])
  })

  it('names the type of each column, and says whether it may be null', async () => {
    const kinds: Readonly<Record<string, readonly string[]>> = {
      text: ['text'],
      JSON: ['text'],
      integer: ['bigint', 'integer'],
      '0 or 1': ['integer'],
    }
    const documented = documentedColumns()
    const wrong = [...(await newDatabase())].filter(([name, stored]) => {
      const [, type = '', or = ''] = /^(.+?)( or null)?$/.exec(documented.get(name) ?? '') ?? []
      const fits = kinds[type]?.some((kind) => stored.toLowerCase() === `${kind}${or}`) ?? false
      return !isOfKysely(name) && !fits
    })
    assert.deepEqual(wrong, [])
  })
})
