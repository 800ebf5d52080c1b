import { execFile, spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { findPrograms, unprivileged } from './postgres-binaries.ts'

const execute = promisify(execFile)

/** A PostgreSQL server for the tests. It ends, and its files are deleted, with this process at the latest. */
export interface PostgresServer {
  /** The URL of its database `postgres`, which no test changes. */
  readonly url: string
  start(): Promise<void>
  /** `immediate` stops without cleaning up, as a power cut does. */
  stop(mode: 'immediate' | 'kill'): Promise<void>
  end(): Promise<void>
}

/** Creates and starts a server. Resolves to `undefined` if there are no programs of PostgreSQL. */
export async function startServer(): Promise<PostgresServer | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'heartwood-postgres-'))
  chmodSync(folder, 0o755)
  const programs = findPrograms(folder)
  if (programs === undefined) {
    rmSync(folder, { recursive: true })
    return undefined
  }
  if (unprivileged.uid !== undefined) chownSync(folder, unprivileged.uid, unprivileged.uid)
  const data = join(folder, 'data')
  const run = (program: string, ...args: string[]) =>
    execute(join(programs, program), ['-D', data, ...args], { cwd: '/', ...unprivileged })
  // This locale does not sort by bytes, so a comparison that depends on the locale fails.
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=icu', '--icu-locale=en-US']
  await run('initdb', '--no-sync', '--auth=trust', '--username=heartwood', ...locale)
  const port = await freePort()
  const start = () => startOn(run, folder, port)
  const end = guard(folder)
  await start()
  return {
    url: `postgres://heartwood@127.0.0.1:${port}/postgres`,
    start,
    end,
    stop: (mode) => (mode === 'kill' ? kill(data) : stopAtOnce(run)),
  }
}

type Run = (program: string, ...args: string[]) => Promise<unknown>

async function startOn(run: Run, folder: string, port: number): Promise<void> {
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    // A server that dies loses nothing by this, because the operating system holds its writes.
    fsync: 'off',
    shared_buffers: '32MB',
  }
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}='${value}'`)
  const log = join(folder, 'log')
  const attempt = () => run('pg_ctl', 'start', '-w', '-l', log, '-o', options.join(' '))
  // After a kill, the server's child processes may hold its memory for a moment.
  for (let tries = 1; ; tries++) {
    try {
      await attempt()
      return
    } catch (error) {
      if (tries === 20) throw new Error(readFileSync(log, 'utf8').slice(-2000), { cause: error })
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

async function stopAtOnce(run: Run): Promise<void> {
  await run('pg_ctl', 'stop', '-w', '-m', 'immediate')
}

async function kill(data: string): Promise<void> {
  const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n', 1)[0])
  process.kill(pid, 'SIGKILL')
}

/** Ends the server and deletes its files on demand, and also if this process dies in any way. */
function guard(folder: string): () => Promise<void> {
  const script = 'cat >/dev/null; kill -QUIT $(head -n 1 "$0/data/postmaster.pid"); sleep 0.2; rm -rf "$0"'
  const child = spawn('sh', ['-c', script, folder], {
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    ...unprivileged,
  })
  child.unref()
  ;(child.stdin as { unref?(): void }).unref?.()
  const over = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return async () => {
    child.stdin.end()
    child.ref()
    await over
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
