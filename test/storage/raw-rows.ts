import postgres from 'postgres'
import { openConnection } from '../../src/storage/sqlite/connection.ts'

/** The tables of a database, as somebody writes to them who has its password and no key. */
export interface RawRows {
  run(statement: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  end(): Promise<void>
}

/** Opens the file of a database, or the URL of one on PostgreSQL. Servers may go on writing. */
export async function openRaw(target: string): Promise<RawRows> {
  if (target.startsWith('postgres:')) {
    const client = postgres(target, { max: 1, onnotice: () => {} })
    return { run: async (statement) => [...(await client.unsafe(statement))], end: () => client.end() }
  }
  const file = await openConnection(target, { readonly: false })
  file.exec('pragma busy_timeout = 10000')
  return {
    run: async (statement) => {
      const prepared = file.prepare(statement)
      if (prepared.reader) return prepared.all([]) as never
      prepared.run([])
      return []
    },
    end: async () => file.close(),
  }
}
