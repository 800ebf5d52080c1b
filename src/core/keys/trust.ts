import type { Context } from '../context.ts'
import { requireApp } from '../lookup.ts'
import { maxStatements, maxTrustLength } from '../token/statement-limits.ts'
import type { SignedStatement, TrustFile } from '../token/statement.ts'
import { readChain, signedStatementOf } from './chain.ts'
import { activeKey } from './signing-keys.ts'

/** The newest statements whose JSON fits into so many characters. */
export function newestWithin(
  room: number,
  statements: readonly SignedStatement[],
): readonly SignedStatement[] {
  let left = room
  const tooOld = statements.findLastIndex((statement) => (left -= JSON.stringify(statement).length + 1) < 0)
  return statements.slice(tooOld + 1)
}

/** As many as programs read. Without the oldest ones, only the programs stay behind that were built before them. */
function trustFileOf(statements: readonly SignedStatement[]): TrustFile {
  const room = maxTrustLength - JSON.stringify({ v: 1, statements: [] }).length
  return { v: 1, statements: newestWithin(room, statements.slice(-maxStatements)) }
}

/** The statements about the signing keys of an app: see `Apps.trust`. */
export async function trustOf(context: Context, app: string): Promise<TrustFile> {
  const record = await requireApp(context, app, 'public')
  const { privateKeys } = context.runtime.caches
  for (;;) {
    const key = await activeKey(context, record.id)
    const { statements, derived } = await readChain(context, record, key)
    const isCurrent = derived.length === 0 || (await activeKey(context, record.id)).kid === key.kid
    if (isCurrent) return trustFileOf(statements.map(signedStatementOf))
    // A rotation has forgotten the private key, and the signature brought it back into memory.
    privateKeys.forget(key.kid)
  }
}
