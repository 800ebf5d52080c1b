import process from 'node:process'
import { processOutput } from '../../src/cli/terminal/output.ts'

/** Writes a line of 3 MB as the result of a command. */
processOutput.line('x'.repeat(3_000_000))
await processOutput.written().catch((error: Error) => {
  processOutput.note(error.message)
  process.exit(1)
})
