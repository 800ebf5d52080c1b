import { buildCommand, type Command } from '@stricli/core'
import { verify } from '../verify.ts'
import { argument, json, needed, text } from './flags.ts'
import type { Surroundings } from './context.ts'

interface VerifyFlags {
  readonly publicKey: string
  readonly app?: string
  readonly issuer?: string
  readonly json: boolean
}

export const verifyCommand: Command<Surroundings> = buildCommand({
  docs: {
    brief: 'Verify a license token offline, with a public key',
    fullDescription:
      'Verifies a license token with nothing but a public key: no database, no network. It cannot know of a revocation. Without --app and --issuer any app and issuer of that key will do, and are shown.',
  },
  parameters: {
    flags: {
      publicKey: needed('The public key: PEM, or a JWK Set', 'file'),
      app: text('The app that the token must be for', 'slug'),
      issuer: text('The issuer that it must be from', 'issuer'),
      json,
    },
    positional: argument(
      'The token; - for standard input, where nobody sees it in the process list',
      'token',
    ),
  },
  async func(this: Surroundings, flags: VerifyFlags, token: string) {
    await verify(token, flags, this.output)
  },
})
