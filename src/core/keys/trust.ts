import type { Context } from '../context.ts'
import { requireApp } from '../lookup.ts'
import { maxStatements } from '../token/statement-limits.ts'
import type { TrustFile } from '../token/statement.ts'
import { readChain, signedStatementOf } from './chain.ts'
import { activeKey } from './signing-keys.ts'

/** The statements about the signing keys of an app, as many as programs read: see `Apps.trust`. */
export async function trustOf(context: Context, app: string): Promise<TrustFile> {
  const record = await requireApp(context, app, 'public')
  const { privateKeys } = context.runtime.caches
  for (;;) {
    const key = await activeKey(context, record.id)
    const { statements, derived } = await readChain(context, record, key)
    const isCurrent = derived.length === 0 || (await activeKey(context, record.id)).kid === key.kid
    // Without the oldest ones only the programs stay behind that were built before them; a longer list would stop all of them.
    if (isCurrent) return { v: 1, statements: statements.slice(-maxStatements).map(signedStatementOf) }
    // A rotation has forgotten the private key, and the signature brought it back into memory.
    privateKeys.forget(key.kid)
  }
}
