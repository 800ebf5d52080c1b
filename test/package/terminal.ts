import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { emptyFolder } from './programs.ts'

interface Options {
  readonly cwd: string
  /** Added to this process's environment, without the variables that Heartwood reads or `npm test` sets. */
  readonly env: Readonly<Record<string, string>>
}

/** The output of one paste. */
export interface Pasted {
  readonly stdout: string
  readonly stderr: string
}

/** A shell into which a reader pastes one block after another. */
export interface Terminal {
  /** Runs a block to its end. @throws {Error} with the output if a command fails. */
  paste(code: string): Promise<Pasted>
  /** Starts a block that keeps running, and waits until the address responds. */
  serve(code: string, url: string): Promise<void>
  /** Ends every server that `serve` started. */
  stopServers(): Promise<void>
  close(): Promise<void>
}

/** The shell prints this to both outputs after each block. */
const endMark = '\u001E'

async function until(isTrue: () => boolean | Promise<boolean>, child: ChildProcess): Promise<boolean> {
  for (let tries = 0; tries < 6000; tries += 1) {
    if (await isTrue()) return true
    if (child.exitCode !== null) return false
    await setTimeout(20)
  }
  return false
}

function isUp(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )
}

/** Ends a process and its children. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  process.kill(-child.pid!, 'SIGTERM')
  await Promise.race([ended, setTimeout(5000, undefined, { ref: false })])
  if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL')
}

function outputOf(child: ChildProcess): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' }
  child.stdout!.on('data', (chunk) => (output.stdout += String(chunk)))
  child.stderr!.on('data', (chunk) => (output.stderr += String(chunk)))
  return output
}

function inherited(): NodeJS.ProcessEnv {
  const isOurs = /^(HEARTWOOD_.*|npm_.*|PORT|HOST|DATABASE_URL)$/i
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOurs.test(name)))
}

/** Opens Bash in a folder. `set -e` ends it when a command fails. */
export function openTerminal({ cwd, env }: Options): Terminal {
  const scripts = emptyFolder()
  const start = (args: readonly string[]): ChildProcess =>
    spawn('bash', ['--noprofile', '--norc', ...args], {
      cwd,
      env: { ...inherited(), ...env },
      stdio: 'pipe',
      detached: true,
    })
  const shell = start([])
  const output = outputOf(shell)
  shell.stdin!.on('error', () => {})
  shell.stdin!.write('set -eo pipefail\n')
  const servers: ChildProcess[] = []
  let count = 0

  function save(code: string): string {
    const file = join(scripts, `${(count += 1)}.sh`)
    writeFileSync(file, code)
    return file
  }

  async function paste(code: string): Promise<Pasted> {
    Object.assign(output, { stdout: '', stderr: '' })
    // Standard input is empty, because a command could otherwise read the next block.
    shell.stdin!.write(`source ${save(code)} </dev/null; printf '${endMark}'; printf '${endMark}' >&2\n`)
    const isDone = await until(
      () => output.stdout.endsWith(endMark) && output.stderr.endsWith(endMark),
      shell,
    )
    const pasted = { stdout: output.stdout.replace(endMark, ''), stderr: output.stderr.replace(endMark, '') }
    if (isDone) return pasted
    throw new Error([`This block failed:\n${code}`, pasted.stdout, pasted.stderr].join('\n'))
  }

  async function serve(code: string, url: string): Promise<void> {
    const server = start(['-e', save(code)])
    const printed = outputOf(server)
    servers.push(server)
    if (await until(() => isUp(url), server)) return
    throw new Error([`Nothing responds at ${url}:\n${code}`, printed.stdout, printed.stderr].join('\n'))
  }

  const stopServers = async (): Promise<void> => {
    await Promise.all(servers.splice(0).map(stop))
  }
  const close = async (): Promise<void> => {
    await stopServers()
    await stop(shell)
  }
  return { paste, serve, stopServers, close }
}
