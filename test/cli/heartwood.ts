import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { builtVariable } from '../support/built.ts'

const source = resolve('src/cli/main.ts')
const denoRun = ['run', '--allow-all', '--no-check', '--no-lock']

/** A way to run the command line: from source on three runtimes, and the build on Node. */
export type Way = 'Bun' | 'Deno' | 'Node' | 'Node, as built'

/** The program of each way, and the arguments before those of the command. */
export const ways: Readonly<Record<Way, readonly [string, ...string[]]>> = {
  Bun: ['bun', source],
  Deno: ['deno', ...denoRun, source],
  Node: ['node', source],
  'Node, as built': ['node', resolve('dist/cli/main.js')],
}

/**
 * The program of commands that name no way. If `npm test` has built, that is the build, which starts in a fraction of the time
 * and is what users of the package run.
 */
const usual: readonly [string, ...string[]] =
  process.env[builtVariable] === undefined ? ways.Bun : ['bun', resolve('dist/cli/main.js')]

function programOf(way: Way | undefined): readonly [string, ...string[]] {
  return way === undefined ? usual : ways[way]
}

/** The way that uses the runtime of this test. */
export const sameRuntime: Way = 'Deno' in globalThis ? 'Deno' : 'Bun' in globalThis ? 'Bun' : 'Node'

export interface RunOptions {
  readonly cwd: string
  /** Variables to set. The command inherits all others, except those that Heartwood reads. */
  readonly env?: Readonly<Record<string, string>>
  /** Default Bun: from source, or as built if `npm test` runs. */
  readonly way?: Way | undefined
  /** The text on standard input; default empty. */
  readonly input?: string
}

/** A place for standard output. */
export type Sink = 'full disk' | 'closed pipe'

export interface ServerRunOptions extends RunOptions {
  /** The program that serves, and its arguments before the flags. Default `heartwood serve` in the given way. */
  readonly command?: readonly string[]
}

/** The exit code and the output of a command. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A running server. */
export interface RunningServer {
  readonly url: string
  /** The API key that it printed, or `null`. */
  readonly key: string | null
  readonly process: ChildProcess
  /** All that it has printed so far. */
  printed(): string
  /** Sends the signal and waits until the process ends. */
  stop(signal?: NodeJS.Signals): Promise<Ended>
}

/** Runs clean-up work at the end: a test, or {@link whenAllIsOver}. */
export interface Disposer {
  after(work: () => unknown): void
}

/** A disposer for the whole suite: pass it the suite's `after`. */
export function whenAllIsOver(after: (work: () => void) => void): Disposer {
  const works: (() => unknown)[] = []
  after(() => works.reverse().forEach((work) => work()))
  return { after: (work) => void works.push(work) }
}

/** Creates a folder that the test removes at its end. */
export function emptyFolder(test: Disposer): string {
  const folder = mkdtempSync(join(tmpdir(), 'heartwood-cli-'))
  test.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Starts a command without waiting for it. */
export function spawnHeartwood(args: readonly string[], { cwd, env, way }: RunOptions): ChildProcess {
  const [program, ...before] = programOf(way)
  return spawn(program, [...before, ...args], { cwd, env: environment(env), stdio: 'ignore' })
}

function environment(added: Readonly<Record<string, string>> = {}): Record<string, string | undefined> {
  const read = /^(HEARTWOOD_.*|PORT|HOST)$/
  const inherited = Object.entries(process.env).filter(([name]) => !read.test(name))
  return { ...Object.fromEntries(inherited), ...added }
}

/** Runs a command to its end. */
export function heartwood(
  args: readonly string[],
  { cwd, env, way, input = '' }: RunOptions,
): Promise<Ended> {
  const [program, ...before] = programOf(way)
  const options = { cwd, env: environment(env), timeout: 600_000, maxBuffer: 1024 ** 3 }
  return new Promise((done) => {
    const running = execFile(program, [...before, ...args], options, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
    // A command that ends without reading its input closes the pipe.
    running.stdin?.on('error', () => {})
    running.stdin?.end(input)
  })
}

/** Starts a command whose standard output has no room, or no reader. Resolves at its end, without standard output. */
export async function heartwoodInto(
  sink: Sink,
  args: readonly string[],
  { cwd, env, way }: RunOptions,
): Promise<Pick<Ended, 'code' | 'stderr'>> {
  const [program, ...before] = programOf(way)
  const place = sink === 'full disk' ? openSync('/dev/full', 'w') : 'pipe'
  const running = spawn(program, [...before, ...args], {
    cwd,
    env: environment(env),
    stdio: ['ignore', place, 'pipe'],
  })
  running.stdout?.destroy()
  let stderr = ''
  running.stderr?.on('data', (chunk) => (stderr += String(chunk)))
  const [code] = (await once(running, 'close')) as [number | null]
  if (typeof place === 'number') closeSync(place)
  return { code, stderr }
}

/** Starts a server on a free port and waits until it listens. The test kills it at its end. */
export async function startServer(
  test: Disposer,
  { cwd, env, way, command = [...programOf(way), 'serve'] }: ServerRunOptions,
  args: readonly string[] = [],
): Promise<RunningServer> {
  const [program = '', ...before] = command
  const server = spawn(program, [...before, '--port', '0', ...args], { cwd, env: environment(env) })
  const ended = once(server, 'close')
  test.after(() => server.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  server.stderr.on('data', (chunk) => (output.stderr += String(chunk)))
  const url = await new Promise<string>((listens, fails) => {
    server.stdout.on('data', (chunk) => {
      output.stdout += String(chunk)
      const [, found] = /listens on (\S+)\n/.exec(output.stdout) ?? []
      if (found !== undefined) listens(found)
    })
    void ended.then(() =>
      fails(new Error(`The server ended before it listened\n${output.stdout}${output.stderr}`)),
    )
  })
  return {
    url,
    key: /[sp]k_(?:live|test)_\w+/.exec(output.stdout)?.[0] ?? null,
    process: server,
    printed: () => output.stdout,
    stop: async (signal = 'SIGTERM') => {
      // On Deno, server.kill() hides the exit code.
      process.kill(server.pid!, signal)
      const [code] = (await ended) as [number | null]
      return { code, ...output }
    },
  }
}

/** Sends a request to the API, with or without a key. */
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
