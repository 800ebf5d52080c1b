import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Runtime } from './benchmark.ts'

/** The runtime of this process. */
export const thisRuntime: Runtime = 'Bun' in globalThis ? 'Bun' : 'Deno' in globalThis ? 'Deno' : 'Node'

const runtimeCommands: Readonly<Record<Runtime, readonly string[]>> = {
  Bun: ['bun'],
  Deno: ['deno', 'run', '--allow-all', '--no-check', '--no-lock', '--quiet'],
  Node: ['node', '--disable-warning=ExperimentalWarning'],
}

/** A process that reads one command a line, and responds with one line of JSON. */
export interface Child {
  /** The line that it prints once it is ready. */
  readonly ready: unknown
  /** Sends a command. Resolves to the response. */
  send(command: string): Promise<unknown>
  stop(): Promise<void>
}

/** Runs a file of this folder on a runtime. `env` is added to the variables of this process. */
export function start(
  runtime: Runtime,
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const [program = '', ...flags] = runtimeCommands[runtime]
  const path = fileURLToPath(new URL(file, import.meta.url))
  return spawn(program, [...flags, path, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
}

/** Starts a process that serves commands with {@link serveCommands}. */
export async function startChild(
  runtime: Runtime,
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Child> {
  const child = start(runtime, file, args, env)
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  const nextLine = async (): Promise<unknown> => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error(`${file} on ${runtime} ended early`)
    return JSON.parse(value as string)
  }
  return {
    ready: await nextLine(),
    send: (command) => {
      child.stdin!.write(`${command}\n`)
      return nextLine()
    },
    stop: async () => {
      child.stdin!.end()
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

/** Prints `ready`, then runs the commands of the parent process until the input ends. */
export async function serveCommands(
  ready: unknown,
  commands: Readonly<Record<string, (...args: string[]) => unknown>>,
): Promise<void> {
  const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value ?? null)}\n`)
  print(ready)
  for await (const line of createInterface({ input: process.stdin })) {
    const [name = '', ...args] = line.split(' ')
    print(await commands[name]?.(...args))
  }
}
