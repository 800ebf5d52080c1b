import { describeDefect } from '../core/token/pasted.ts'
import { unverifiedPart } from './unverified.ts'

/** The app that a token names. Nobody has verified it, so it serves for an advice alone. */
function appOf(token: string): unknown {
  try {
    return unverifiedPart(token, 1)['aud']
  } catch {
    return undefined
  }
}

/** Says what is wrong with a token that does not verify, as far as that can be seen in it; otherwise `null`. */
export function describeMisfit(token: string, app: string): string | null {
  const defect = describeDefect(token)
  if (defect !== null) return defect
  const named = appOf(token)
  const isOther = typeof named === 'string' && named !== app
  return isOther ? 'The token is not valid for this program: it is for another app' : null
}
