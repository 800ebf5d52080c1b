/** A process for the tests: runs the tasks that it reads, one a line, on the database of its last argument. */
import process from 'node:process'
import { createInterface } from 'node:readline'
import type { Server } from './invariants.ts'
import { serverOn, tasks, type Tasks } from './race-tasks.ts'
import { openTarget } from './two-servers.ts'

const server = await serverOn(await openTarget(process.argv.at(-1)!), 1)
for await (const line of createInterface({ input: process.stdin })) {
  const { name, argument } = JSON.parse(line) as { name: keyof Tasks; argument: never }
  const task: (server: Server, given: never) => Promise<unknown> = tasks[name]
  console.log(JSON.stringify(await task(server, argument)))
}
await server.storage.close()
