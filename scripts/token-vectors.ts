/**
 * Writes `vectors/license-tokens.json`: tokens with their readers, and the result. A verifier in any language can be held to it.
 * Run it with `npm run vectors`. It signs with the fixed keys of the tests, so it always writes the same file.
 */
import { writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { clockTolerance } from '../src/core/token/decision.ts'
import { acceptedVectors } from './token-vectors/accepted.ts'
import { refusedClaims } from './token-vectors/refused-claims.ts'
import { refusedTokens } from './token-vectors/refused-tokens.ts'
import { large, own, second } from './token-vectors/signing.ts'
import type { Vector } from './token-vectors/vector.ts'

const file = new URL('../vectors/license-tokens.json', import.meta.url)

/** The content of `vectors/license-tokens.json`. */
export interface TokenVectors {
  readonly about: string
  /** Seconds by which the clocks of server and reader may differ. */
  readonly clockTolerance: number
  readonly keys: readonly { readonly name: string; readonly pem: string; readonly jwk: object }[]
  readonly vectors: readonly Vector[]
}

/** The vectors, as the file holds them. */
export function tokenVectors(): TokenVectors {
  return {
    about:
      'License tokens, each with its reader: the claims that it accepts, or the code of its refusal. See README.md.',
    clockTolerance,
    keys: [large, own, second].map(({ name, pem, jwk }) => ({ name, pem, jwk })),
    vectors: [...acceptedVectors, ...refusedTokens, ...refusedClaims],
  }
}

/** The text of the file, as Prettier checks it. */
async function fileText(): Promise<string> {
  return format(JSON.stringify(tokenVectors()), { ...(await resolveConfig(file)), parser: 'json' })
}

if (import.meta.main) writeFileSync(file, await fileText())
