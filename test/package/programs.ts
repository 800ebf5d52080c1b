import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'

/** The command of each runtime that runs a TypeScript file. */
export const runtimes = {
  Bun: ['bun'],
  Deno: ['deno', 'run', '--allow-all', '--no-check', '--no-lock'],
  Node: ['node'],
} as const

/** The name of a runtime. */
export type Runtime = keyof typeof runtimes

interface RunOptions {
  /** The working directory. The default is the repository's root. */
  readonly cwd?: string
  /** Variables that are added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>
}

/** The output of a program. */
interface Output {
  readonly stdout: string
  readonly stderr: string
}

/** Makes an empty folder outside the repository. It is removed when the tests end. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'heartwood-package-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Runs a program to its end. @throws {Error} with its output if it fails. */
export async function run(command: readonly string[], { cwd, env }: RunOptions = {}): Promise<Output> {
  const [program = '', ...args] = command
  try {
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 2 ** 26 }
    return await promisify(execFile)(program, args, options)
  } catch (error) {
    const { message, stdout, stderr } = error as Error & { stdout?: string; stderr?: string }
    throw new Error([message, stdout, stderr].join('\n'), { cause: error })
  }
}

/** Finds a port on which no program listened a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Starts a server, requests an address as soon as it responds, and stops the server. */
export async function requestOnce(
  command: readonly string[],
  url: string,
  { cwd, env }: RunOptions,
): Promise<Response> {
  const [program = '', ...args] = command
  const server = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: 'pipe' })
  const output: string[] = []
  for (const stream of [server.stdout, server.stderr])
    stream.on('data', (chunk) => output.push(String(chunk)))
  const ended = once(server, 'exit')
  try {
    return await firstResponse(url, () => server.exitCode === null)
  } catch (error) {
    throw new Error(`${command.join(' ')} did not respond\n${output.join('')}`, { cause: error })
  } finally {
    server.kill()
    await ended
  }
}

/** Repeats a request until the server responds or ends, for at most half a minute. */
async function firstResponse(url: string, isRunning: () => boolean): Promise<Response> {
  for (let tries = 0; tries < 300 && isRunning(); tries += 1) {
    const response = await fetch(url).catch(() => undefined)
    if (response !== undefined) return response
    await setTimeout(100)
  }
  throw new Error(`No server responded at ${url}`)
}
