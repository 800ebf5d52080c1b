import { spawn } from 'node:child_process'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Storage } from '../../src/core/index.ts'
import { postgresStorage } from '../../src/storage/postgres.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import type { Server } from './invariants.ts'
import { serverOn, tasks, type Tasks } from './race-tasks.ts'

export function openTarget(target: string): Promise<Storage> {
  return target.startsWith('postgres:')
    ? postgresStorage({ connectionString: target })
    : sqliteStorage({ filename: target })
}

type Argument<Name extends keyof Tasks> = Parameters<Tasks[Name]>[1]
type Result<Name extends keyof Tasks> = Awaited<ReturnType<Tasks[Name]>>

/** Two servers on one database: this process, and another. */
export interface TwoServers extends Server {
  /** Runs a task on both servers concurrently. The second one gets `other` as its argument, if given. */
  both<Name extends keyof Tasks>(
    name: Name,
    argument: Argument<Name>,
    other?: Argument<Name>,
  ): Promise<[Result<Name>, Result<Name>]>
}

/** Opens a file or a URL in two processes, for the time of `work`. */
export async function withTwoServers(
  target: string,
  work: (servers: TwoServers) => Promise<void>,
): Promise<void> {
  const server = await serverOn(await openTarget(target), 0)
  const other = startOther(target)
  const both: TwoServers['both'] = async (name, argument, second = argument) => {
    const task = tasks[name] as (server: Server, given: unknown) => Promise<never>
    return Promise.all([task(server, argument), other.ask(name, second) as Promise<never>])
  }
  try {
    await work({ ...server, both })
  } finally {
    await other.end()
    await server.storage.close()
  }
}

function startOther(target: string) {
  const script = fileURLToPath(new URL('other-server.ts', import.meta.url))
  const flags = 'Deno' in globalThis ? ['run', '-A', '--no-check', '--no-lock'] : []
  const child = spawn(process.execPath, [...flags, script, target], { stdio: ['pipe', 'pipe', 'inherit'] })
  const over = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    ask: async (name: string, argument: unknown): Promise<unknown> => {
      child.stdin.write(`${JSON.stringify({ name, argument })}\n`)
      const { done, value } = await lines.next()
      if (done === true) throw new Error('The other server has died')
      return JSON.parse(value)
    },
    end: async () => {
      child.stdin.end()
      await over
    },
  }
}
