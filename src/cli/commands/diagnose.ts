import { buildCommand, type Command } from '@stricli/core'
import { printDiagnosis } from '../diagnose.ts'
import { prepare, type CliContext } from './context.ts'
import { database, json, type JsonFlags, type Positional } from './flags.ts'

/** The text as it is, because it may consist of white space. */
const text: Positional = {
  kind: 'tuple',
  parameters: [
    {
      brief: 'The text; - for standard input, which keeps it out of the shell’s history',
      parse: String,
      placeholder: 'text',
    },
  ],
}

export const diagnoseCommand: Command<CliContext> = buildCommand({
  docs: {
    brief: 'Say why something that a customer sent is refused',
    fullDescription:
      'Takes a license token or a part of it, a license key, an id, an e-mail address, or the line of a log around them. Prints each check, the first one that failed, and the way to mend it. It changes nothing, and keeps nothing of the text.',
  },
  parameters: {
    flags: { json, database },
    positional: text,
  },
  async func(this: CliContext, flags: JsonFlags, given: string) {
    await printDiagnosis(await prepare(this, flags), given, flags, this.output)
  },
})
