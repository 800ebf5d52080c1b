import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'

/** How each runtime runs a TypeScript file. */
export const runtimes = {
  Bun: ['bun'],
  Deno: ['deno', 'run', '--allow-all', '--no-check', '--no-lock'],
  Node: ['node'],
} as const

/** The name of a runtime. */
export type Runtime = keyof typeof runtimes

interface Surroundings {
  /** The working directory; without it, the repository's root. */
  readonly cwd?: string
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>
}

/** What a program printed. */
interface Printed {
  readonly stdout: string
  readonly stderr: string
}

/** A new and empty folder outside the repository, removed when the tests end. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'heartwood-package-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Runs a program to its end. One that fails throws all that it printed. */
export async function run(command: readonly string[], { cwd, env }: Surroundings = {}): Promise<Printed> {
  const [program = '', ...args] = command
  try {
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 2 ** 26 }
    return await promisify(execFile)(program, args, options)
  } catch (error) {
    const { message, stdout, stderr } = error as Error & { stdout?: string; stderr?: string }
    throw new Error([message, stdout, stderr].join('\n'), { cause: error })
  }
}

/** A port on which nothing listened a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Starts a server, asks it for an address as soon as it answers, and stops it. */
export async function askServer(
  command: readonly string[],
  url: string,
  { cwd, env }: Surroundings,
): Promise<Response> {
  const [program = '', ...args] = command
  const server = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: 'pipe' })
  const said: string[] = []
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk) => said.push(String(chunk)))
  const ended = once(server, 'exit')
  try {
    return await firstAnswer(url, () => server.exitCode === null)
  } catch (error) {
    throw new Error(`${command.join(' ')} did not answer\n${said.join('')}`, { cause: error })
  } finally {
    server.kill()
    await ended
  }
}

/** Asks again until somebody answers, for half a minute or as long as the server lives. */
async function firstAnswer(url: string, alive: () => boolean): Promise<Response> {
  for (let tries = 0; tries < 300 && alive(); tries += 1) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer !== undefined) return answer
    await setTimeout(100)
  }
  throw new Error(`Nothing answered at ${url}`)
}
