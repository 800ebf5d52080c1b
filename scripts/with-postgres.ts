/**
 * `bun scripts/with-postgres.ts COMMAND …` runs a command with a PostgreSQL server. If `DATABASE_URL` names no server, the
 * script starts one and stops it afterwards.
 */
import { spawn } from 'node:child_process'
import process from 'node:process'
import { givenServer, serverVariable } from '../test/storage/postgres-database.ts'
import { startServer } from '../test/storage/postgres-server.ts'

const server = givenServer() === undefined ? await startServer() : undefined
if (server !== undefined) process.env[serverVariable] = server.url
const status = await run(process.argv.slice(2))
await server?.end()
process.exit(status)

function run([program = '', ...args]: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'inherit' })
    child.once('error', () => resolve(127))
    child.once('exit', (code) => resolve(code ?? 1))
  })
}
