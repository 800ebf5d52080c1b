#!/usr/bin/env node
import process from 'node:process'
import { runCommand } from './commands/index.ts'
import { processOutput, whenWritten } from './terminal/output.ts'

// Only the owner may read the files that a command creates, such as the database and its log.
process.umask(0o077)
const code = await runCommand(process.argv.slice(2), process.env, process, processOutput)
// A slow reader must receive everything. `process.stdout.end()` would wait too, but it shuts down a socket that a shell shares
// with its next commands.
await whenWritten()
// Exit explicitly, because a connection that a client keeps open would hold the event loop.
process.exit(code)
