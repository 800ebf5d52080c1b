import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import process from 'node:process'

const source = resolve('src/cli/main.ts')
const denoRun = ['run', '--allow-all', '--no-check', '--no-lock']

/** A way to run the command line: from source on three runtimes, and as it is built. */
export type Way = 'Bun' | 'Deno' | 'Node' | 'Node, as built'

/** The program of each way and what comes before the command's own arguments. */
export const ways: Readonly<Record<Way, readonly [string, ...string[]]>> = {
  Bun: ['bun', source],
  Deno: ['deno', ...denoRun, source],
  Node: ['node', source],
  'Node, as built': ['node', resolve('dist/cli/main.js')],
}

/** From source, on the runtime that runs this test. */
export const sameRuntime: Way = 'Deno' in globalThis ? 'Deno' : 'Bun' in globalThis ? 'Bun' : 'Node'

/** Where and how a command is run. */
export interface Surroundings {
  readonly cwd: string
  /** Added to this process's environment, from which what Heartwood reads is taken out. */
  readonly env?: Readonly<Record<string, string>>
  /** Bun unless told otherwise. */
  readonly way?: Way
  /** What stands on standard input; nothing unless told otherwise. */
  readonly input?: string
}

/** What a command that has ended left behind. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A server that listens. */
export interface RunningServer {
  readonly url: string
  /** The key that it printed, if it printed one. */
  readonly key: string | null
  readonly process: ChildProcess
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Ended>
}

/** What ends things when they are no longer needed: a test, or {@link whenAllIsOver}. */
export interface Disposer {
  after(work: () => unknown): void
}

/** For things that outlive the hook or test that starts them: takes the `after` of the whole suite. */
export function whenAllIsOver(after: (work: () => void) => void): Disposer {
  const works: (() => unknown)[] = []
  after(() => works.reverse().forEach((work) => work()))
  return { after: (work) => void works.push(work) }
}

/** A new folder that is gone when the test is over. */
export function emptyFolder(test: Disposer): string {
  const folder = mkdtempSync(join(tmpdir(), 'heartwood-cli-'))
  test.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function environment(added: Readonly<Record<string, string>> = {}): Record<string, string | undefined> {
  const read = /^(HEARTWOOD_.*|PORT|HOST)$/
  const inherited = Object.entries(process.env).filter(([name]) => !read.test(name))
  return { ...Object.fromEntries(inherited), ...added }
}

/** Runs a command to its end. */
export function heartwood(
  args: readonly string[],
  { cwd, env, way = 'Bun', input = '' }: Surroundings,
): Promise<Ended> {
  const [program, ...before] = ways[way]
  const options = { cwd, env: environment(env), timeout: 600_000, maxBuffer: 1024 ** 3 }
  return new Promise((done) => {
    const running = execFile(program, [...before, ...args], options, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
    // A command that ends without reading closes the pipe.
    running.stdin?.on('error', () => {})
    running.stdin?.end(input)
  })
}

/** Starts a server on a free port and answers once it listens; it is gone when the test is over. */
export async function startServer(
  test: Disposer,
  { cwd, env, way = 'Bun' }: Surroundings,
  args: readonly string[] = [],
): Promise<RunningServer> {
  const [program, ...before] = ways[way]
  const server = spawn(program, [...before, 'serve', '--port', '0', ...args], { cwd, env: environment(env) })
  const ended = once(server, 'close')
  test.after(() => server.kill('SIGKILL'))
  const said = { stdout: '', stderr: '' }
  server.stderr.on('data', (chunk) => (said.stderr += String(chunk)))
  const url = await new Promise<string>((listens, fails) => {
    server.stdout.on('data', (chunk) => {
      said.stdout += String(chunk)
      const [, found] = /listens on (\S+)\n/.exec(said.stdout) ?? []
      if (found !== undefined) listens(found)
    })
    void ended.then(() =>
      fails(new Error(`The server ended before it listened\n${said.stdout}${said.stderr}`)),
    )
  })
  return {
    url,
    key: /[sp]k_(?:live|test)_\w+/.exec(said.stdout)?.[0] ?? null,
    process: server,
    stop: async (signal = 'SIGTERM') => {
      // Not server.kill(): on Deno that hides the exit code.
      process.kill(server.pid!, signal)
      const [code] = (await ended) as [number | null]
      return { code, ...said }
    },
  }
}

/** Asks a server as the holder of a key, or as nobody. */
export function ask(
  { url }: Pick<RunningServer, 'url'>,
  path: string,
  { key, body }: { readonly key?: string | null; readonly body?: object } = {},
): Promise<Response> {
  return fetch(`${url}/api/v1${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...(key && { authorization: `Bearer ${key}` }), 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
}
