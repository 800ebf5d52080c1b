#!/usr/bin/env node
import process from 'node:process'
import { runCommand } from './commands/index.ts'
import { processOutput } from './terminal/output.ts'

// Only the owner may read the files that a command creates, such as the database and its log.
process.umask(0o077)
const code = await runCommand(process.argv.slice(2), process.env, process, processOutput)
// Exit explicitly, because a connection that a client keeps open would hold the event loop. `end` waits until a slow
// reader has taken everything. On Bun an empty `write` would not wait.
process.stdout.end(() => process.exit(code))
