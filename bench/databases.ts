import { randomBytes } from 'node:crypto'
import { closeSync, copyFileSync, fsyncSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { givenServer, noPostgres } from '../test/storage/postgres-database.ts'

export type DatabaseName = 'SQLite' | 'PostgreSQL'

/** Creates the databases of one benchmark: files in a temporary folder, or databases on the run's PostgreSQL server. */
export interface Databases {
  readonly database: DatabaseName
  /** Creates an empty database. Resolves to its location: a file name or a PostgreSQL URL. */
  create(name: string): Promise<string>
  /** Copies a database that nobody uses meanwhile. Resolves to the location of the copy. */
  copy(from: string, name: string): Promise<string>
  /** Removes every database that `create` made. */
  removeAll(): Promise<void>
}

/** Prepares databases of one kind. @throws {Error} for PostgreSQL if no server is given. */
export function openDatabases(database: DatabaseName): Databases {
  return database === 'SQLite' ? sqliteFiles() : postgresDatabases()
}

/** True if a location is a PostgreSQL URL, false if it is a file name. */
export function isPostgresUrl(location: string): boolean {
  return /^postgres(ql)?:\/\//.test(location)
}

/**
 * Waits until a new SQLite file is on the disk. Otherwise the first checkpoint writes all of it, and stops the event loop
 * for longer than any work of Heartwood.
 */
export function flush(file: string): void {
  const descriptor = openSync(file, 'r+')
  fsyncSync(descriptor)
  closeSync(descriptor)
}

function sqliteFiles(): Databases {
  const folder = mkdtempSync(join(tmpdir(), 'heartwood-bench-'))
  const create = async (name: string): Promise<string> => join(folder, `${name}.db`)
  return {
    database: 'SQLite',
    create,
    copy: async (from, name) => {
      const file = await create(name)
      copyFileSync(from, file)
      flush(file)
      return file
    },
    removeAll: async () => rmSync(folder, { recursive: true }),
  }
}

function postgresDatabases(): Databases {
  const url = givenServer()
  if (url === undefined) throw new Error(noPostgres)
  const server = postgres(url, { max: 1, onnotice: () => {} })
  const prefix = `heartwood_bench_${randomBytes(6).toString('hex')}`
  const created: string[] = []
  const create = async (name: string, template = 'template1'): Promise<string> => {
    const location = new URL(url)
    location.pathname = `/${prefix}_${name}`
    await server.unsafe(`create database ${prefix}_${name} template ${template}`)
    created.push(`${prefix}_${name}`)
    return location.href
  }
  return {
    database: 'PostgreSQL',
    create: (name) => create(name),
    copy: (from, name) => create(name, new URL(from).pathname.slice(1)),
    removeAll: async () => {
      for (const name of created) await server.unsafe(`drop database ${name} with (force)`)
      await server.end()
    },
  }
}
