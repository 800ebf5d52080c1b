import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { givenServer, noPostgres } from '../test/storage/postgres-database.ts'

export type DatabaseName = 'SQLite' | 'PostgreSQL'

/** Where a row makes its databases: a folder of SQLite files, or databases of its own on the run's PostgreSQL server. */
export interface Ground {
  readonly database: DatabaseName
  /** Makes an empty database; answers its location, a file name or a URL of PostgreSQL. */
  place(name: string): Promise<string>
  /** Takes away everything that was made. */
  remove(): Promise<void>
}

/** Opens ground of a row's own. @throws for PostgreSQL when there is no server. */
export function openGround(database: DatabaseName): Ground {
  return database === 'SQLite' ? folderGround() : serverGround()
}

/** Whether a location is a URL of PostgreSQL rather than the name of a file. */
export function isOnPostgres(location: string): boolean {
  return /^postgres(ql)?:\/\//.test(location)
}

function folderGround(): Ground {
  const folder = mkdtempSync(join(tmpdir(), 'heartwood-bench-'))
  return {
    database: 'SQLite',
    place: async (name) => join(folder, `${name}.db`),
    remove: async () => rmSync(folder, { recursive: true }),
  }
}

function serverGround(): Ground {
  const url = givenServer()
  if (url === undefined) throw new Error(noPostgres)
  const server = postgres(url, { max: 1, onnotice: () => {} })
  const prefix = `heartwood_bench_${randomBytes(6).toString('hex')}`
  const made: string[] = []
  return {
    database: 'PostgreSQL',
    place: async (name) => {
      const own = new URL(url)
      own.pathname = `/${prefix}_${name}`
      await server.unsafe(`create database ${prefix}_${name}`)
      made.push(`${prefix}_${name}`)
      return own.href
    },
    remove: async () => {
      for (const name of made) await server.unsafe(`drop database ${name} with (force)`)
      await server.end()
    },
  }
}
