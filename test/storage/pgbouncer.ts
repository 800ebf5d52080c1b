import { spawn } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { leaveOut } from '../support/left-out.ts'
import { unprivileged } from './postgres-binaries.ts'

/** A PgBouncer in transaction mode. It ends with this process at the latest. */
export interface PgBouncer {
  /** The address of the same database through the pooler, with these parameters. */
  through(url: string, query: string): string
  end(): Promise<void>
}

export const noPgBouncer = 'no PgBouncer: Debian’s package pgbouncer is not installed'

/** The settings of docs/storage.md. */
export const documentedSettings: string = ((): string => {
  const page = readFileSync(new URL('../../docs/storage.md', import.meta.url), 'utf8')
  return /`(ignore_startup_parameters = [^`]+)`/.exec(page)?.[1] ?? ''
})()

const program = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find((path) => existsSync(path))

/** Says that tests are left out. @throws {Error} on CI. */
function reportNone(): undefined {
  leaveOut('tests with PgBouncer', noPgBouncer)
}

function settingsFor(server: URL, folder: string, port: number, added: string): string {
  const { hostname, port: serverPort, username, password } = server
  const login = `user=${decodeURIComponent(username)}${password && ` password=${decodeURIComponent(password)}`}`
  return `[databases]
* = host=${hostname} port=${serverPort || 5432} ${login}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
auth_type = any
pool_mode = transaction
unix_socket_dir =
logfile = ${join(folder, 'log')}
${added}
`
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true))
    socket.once('error', () => resolve(false)).once('connect', () => socket.destroy())
  })
}

/** Starts a pooler before the server of `url`. Without the program it prints so and resolves to `undefined`. */
export async function startPgBouncer(url: string, added = ''): Promise<PgBouncer | undefined> {
  if (program === undefined) return reportNone()
  const folder = mkdtempSync(join(tmpdir(), 'heartwood-pgbouncer-'))
  const port = await freePort()
  const settings = join(folder, 'pgbouncer.ini')
  writeFileSync(settings, settingsFor(new URL(url), folder, port, added))
  // PgBouncer refuses root.
  if (unprivileged.uid !== undefined) chownSync(folder, unprivileged.uid, unprivileged.uid)
  chmodSync(folder, 0o755)
  const script = '"$0" -q "$1" & cat >/dev/null; kill -INT $!; wait'
  const guard = spawn('sh', ['-c', script, program, settings], {
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    ...unprivileged,
  })
  const over = new Promise<void>((resolve) => guard.once('exit', () => resolve()))
  for (let tries = 0; !(await listens(port)); tries++) {
    if (tries === 200) throw new Error(readFileSync(join(folder, 'log'), 'utf8'))
    await setTimeout(50)
  }
  return {
    through: (database, query) => {
      const address = new URL(database)
      address.host = `127.0.0.1:${port}`
      address.search = query
      return address.href
    },
    end: async () => {
      guard.stdin.end()
      await over
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
