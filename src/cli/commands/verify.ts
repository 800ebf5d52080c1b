import { buildCommand, type Command } from '@stricli/core'
import { verify } from '../verify.ts'
import { argument, json, optional, parseDate, required, text } from './flags.ts'
import type { CliContext } from './context.ts'

interface VerifyFlags {
  readonly publicKey: string
  readonly app?: string
  readonly issuer?: string
  readonly releasedAt?: number
  readonly json: boolean
}

export const verifyCommand: Command<CliContext> = buildCommand({
  docs: {
    brief: 'Verify a license token offline, with a public key',
    fullDescription:
      'Verifies a license token with a public key alone: no database, no network. It cannot know of a revocation. It accepts any app and issuer unless you set --app and --issuer, and shows both.',
  },
  parameters: {
    flags: {
      publicKey: required('The file of the public key: PEM or a JWK Set', 'file'),
      app: text('The app that the token must name', 'slug'),
      issuer: text('The issuer that the token must name', 'issuer'),
      releasedAt: optional('The day on which your program was released, as in 2027-01-31', 'date', parseDate),
      json,
    },
    positional: argument('The token; - for standard input, which keeps it out of the process list', 'token'),
  },
  async func(this: CliContext, flags: VerifyFlags, token: string) {
    await verify(token, flags, this.output)
  },
})
