#!/usr/bin/env node
import process from 'node:process'
import { runCommand } from './commands/index.ts'
import { processOutput } from './terminal/output.ts'

// What is made here, the database and its log first of all, is for its owner alone.
process.umask(0o077)
const code = await runCommand(process.argv.slice(2), process.env, process, processOutput)
// Not left to the event loop: a connection that a client keeps open would hold the process.
process.stdout.write('', () => process.exit(code))
