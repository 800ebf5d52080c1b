import process from 'node:process'
import { runCommand } from './commands/index.ts'
import { explain } from './terminal/explain.ts'
import { processOutput, whenWritten } from './terminal/output.ts'

/** Runs the command that the process was started with, and ends the process. */
export async function runProcess(): Promise<never> {
  // Only the owner may read the files that a command creates, such as the database and its log.
  process.umask(0o077)
  const code = await runCommand(process.argv.slice(2), process.env, processOutput)
  // A slow reader must receive everything. `process.stdout.end()` would wait too, but it shuts down a socket that a shell
  // shares with its next commands.
  const failure = await whenWritten()
  if (code === 0 && failure !== null) processOutput.note(explain(failure))
  // Exit explicitly, because a connection that a client keeps open would hold the event loop.
  process.exit(failure === null ? code : code || 1)
}
