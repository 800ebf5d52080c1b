import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Runtime } from './result.ts'

/** The runtime that this process runs on. */
export const here: Runtime = 'Bun' in globalThis ? 'Bun' : 'Deno' in globalThis ? 'Deno' : 'Node'

const commands: Readonly<Record<Runtime, readonly string[]>> = {
  Bun: ['bun'],
  Deno: ['deno', 'run', '--allow-all', '--no-check', '--no-lock', '--quiet'],
  Node: ['node', '--disable-warning=ExperimentalWarning'],
}

/** A process that answers each line with a line of JSON. */
export interface Child {
  /** What it said first. */
  readonly greeting: unknown
  ask(question: string): Promise<unknown>
  stop(): Promise<void>
}

/** Runs a file of this folder on a runtime. */
export function start(runtime: Runtime, file: string, args: readonly string[]): ChildProcess {
  const [program = '', ...flags] = commands[runtime]
  const path = fileURLToPath(new URL(file, import.meta.url))
  return spawn(program, [...flags, path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
}

/** Starts a process that converses; see {@link converse}. */
export async function startChild(runtime: Runtime, file: string, args: readonly string[]): Promise<Child> {
  const child = start(runtime, file, args)
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  const answer = async (): Promise<unknown> => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error(`${file} on ${runtime} ended early`)
    return JSON.parse(value as string)
  }
  return {
    greeting: await answer(),
    ask: (question) => {
      child.stdin!.write(`${question}\n`)
      return answer()
    },
    stop: async () => {
      child.stdin!.end()
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

/** The child's side: greets, then answers questions until its input ends. */
export async function converse(
  greeting: unknown,
  answers: Readonly<Record<string, (...args: string[]) => unknown>>,
): Promise<void> {
  const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value ?? null)}\n`)
  say(greeting)
  for await (const line of createInterface({ input: process.stdin })) {
    const [name = '', ...args] = line.split(' ')
    say(await answers[name]?.(...args))
  }
}
