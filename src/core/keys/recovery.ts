import { Type } from '@sinclair/typebox'
import { actIn } from '../acts/act.ts'
import type { Changes } from '../acts/changes.ts'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { integer } from '../input/fields.ts'
import { input, invalidInput, type Input } from '../input/parse.ts'
import { requireApp } from '../lookup.ts'
import type { EventDraft } from '../runtime/events.ts'
import type { AppRecord, SigningKeyRecord } from '../storage/index.ts'
import { thumbprint } from '../storage/schema.ts'
import { maxRecoveryKeys } from '../token/statement-limits.ts'
import type { RecoverySet } from '../token/statement.ts'
import { inTransaction } from '../transaction.ts'
import { nextStatements, readChain, recoveryRequired, type Chain, type Recover } from './chain.ts'
import { activeKey, rsaJwk } from './signing-keys.ts'

/** The place of a new statement in `trust.json`. */
export interface WrittenStatement {
  readonly seq: number
}

/**
 * The use cases of recovery keys: `licensing.recovery`. A recovery key signs nothing until a signing key was stolen. Its private
 * half stays with the vendor: Heartwood stores its thumbprint alone.
 *
 * @example
 * ```ts
 * import { generateRsaKeyPair, recoveryKeyId, signWithRecoveryKey, type Licensing } from 'heartwood'
 *
 * async function prepare(licensing: Licensing): Promise<string> {
 *   const { privateKeyPem } = await generateRsaKeyPair()
 *   const recovery = { threshold: 1, kids: [await recoveryKeyId(privateKeyPem)] }
 *   await licensing.recovery.set('desktop-app', recovery, async (payload) => [
 *     await signWithRecoveryKey(payload, privateKeyPem),
 *   ])
 *   return privateKeyPem // It belongs into a safe.
 * }
 * ```
 */
export interface Recovery {
  /**
   * Gives an app its recovery keys, by a statement that names the present signing key again. Each new recovery key must sign it,
   * by `recover`: that proves its private half, because nobody could replace a wrong thumbprint. Once an app has recovery keys,
   * enough of them must sign the next set too.
   * @throws {LicensingError} `validation_error`, also if a new recovery key has not signed; `not_found`; `recovery_required` if
   * recovery keys must sign, and too few did; `conflict` if another statement was faster; `unavailable` if too many signatures
   * are waiting.
   */
  set(app: string, recovery: RecoverySet, recover: Recover): Promise<WrittenStatement>
  /**
   * Revokes earlier signing keys of an app, by a statement that recovery keys sign: programs that read it refuse every token
   * under those keys, and so does the server from now on. It ends the grace periods of those keys, and of no others. To replace
   * the active key, use {@link Licensing.rotateKeys}.
   * @throws {LicensingError} `validation_error` for a key that is not a retired one of the app; `not_found`;
   * `recovery_required` if too few recovery keys sign, or if the app has none; `conflict` if another statement was faster.
   */
  revoke(app: string, kids: readonly string[], recover: Recover): Promise<WrittenStatement>
}

function kidList() {
  const rule = `must be 1 to ${maxRecoveryKeys} different thumbprints of SHA-256 in base64url`
  return Type.Unsafe<readonly string[]>(
    Type.Array(thumbprint('Thumbprint of a key'), {
      minItems: 1,
      maxItems: maxRecoveryKeys,
      uniqueItems: true,
      rule,
    }),
  )
}

const newRecovery: Input<RecoverySet> = input<RecoverySet>()(
  Type.Object({
    threshold: integer('Number of recovery keys that must sign', 1, maxRecoveryKeys),
    kids: kidList(),
  }),
)

const revocation: Input<{ readonly kids: readonly string[] }> = input<{ readonly kids: readonly string[] }>()(
  Type.Object({ kids: kidList() }),
)

/** The contents of a statement that names the present key again. */
interface Renaming {
  readonly revoked: readonly string[]
  readonly recovery: RecoverySet | null
  readonly event: (seq: number) => EventDraft
  readonly changes: Changes
}

function faster(): LicensingError {
  return new LicensingError('conflict', 'Another statement about the keys of this app was faster')
}

/** Writes a statement that names the active key again. */
async function nameAgain(
  context: Context,
  app: AppRecord,
  active: SigningKeyRecord,
  chain: Chain,
  { revoked, recovery, event, changes }: Renaming,
  recover: Recover | undefined,
): Promise<WrittenStatement> {
  const key = await rsaJwk(active.publicKeyPem)
  const succession = { key, retired: {}, revoked, recovery }
  const signers = { keys: [active], recover, mustRecover: chain.last.recovery !== null }
  const statements = await nextStatements(context, app, chain, succession, signers)
  const { seq } = statements.at(-1)!
  const written = await inTransaction(context, async (tx, emit, note) => {
    const patch = { recovery, updatedAt: context.runtime.now() }
    if ((await tx.updateApp(app.id, patch)) === null) return null
    // A rotation too writes keys before statements. In another order, the two could wait for each other for ever.
    await tx.endGracePeriods(app.id, revoked)
    for (const statement of statements) if (!(await tx.insertKeyStatement(statement))) return null
    const draft = event(seq)
    note(actIn(app, draft.type, ['app', app.id], changes))
    await emit(app, draft)
    return { seq }
  })
  if (written === null) throw faster()
  return written
}

async function setRecovery(
  context: Context,
  app: string,
  given: RecoverySet,
  recover: Recover | undefined,
): Promise<WrittenStatement> {
  const { threshold, kids } = newRecovery.parse(given)
  const recovery = { threshold, kids: [...kids] }
  if (threshold > kids.length) throw invalidInput({ threshold: ['must be at most the number of kids'] })
  const record = await requireApp(context, app, 'apps:rotate')
  const active = await activeKey(context, record.id)
  const known = await context.storage.listSigningKeys(record.id)
  if (known.some(({ kid }) => kids.includes(kid)))
    throw invalidInput({ kids: ['must name no signing key of the app'] })
  const chain = await readChain(context, record, active)
  if (chain.last.recovery !== null && recover === undefined)
    throw recoveryRequired('heartwood apps recovery create SLUG --out FILE --recovery-key FILE')
  const event = (seq: number): EventDraft => ({ type: 'app.recovery_set', data: { seq, ...recovery } })
  const changes = { recovery: [chain.last.recovery, recovery] as const }
  return nameAgain(context, record, active, chain, { revoked: [], recovery, event, changes }, recover)
}

async function revokeKeys(
  context: Context,
  app: string,
  given: readonly string[],
  recover: Recover,
): Promise<WrittenStatement> {
  const { kids } = revocation.parse({ kids: given })
  const record = await requireApp(context, app, 'apps:rotate')
  const active = await activeKey(context, record.id)
  const known = await context.storage.listSigningKeys(record.id)
  const retired = known.filter(({ kid }) => kid !== active.kid)
  if (!kids.every((kid) => retired.some((key) => key.kid === kid)))
    throw invalidInput({ kids: ['must name retired signing keys of the app'] })
  const chain = await readChain(context, record, active)
  const { recovery } = chain.last
  if (recovery === null)
    throw new LicensingError('recovery_required', 'The app has no recovery key that could sign this')
  const event = (seq: number): EventDraft => ({ type: 'app.keys_revoked', data: { seq, kids } })
  const changes = { revoked_kids: [null, kids] as const }
  return nameAgain(context, record, active, chain, { revoked: kids, recovery, event, changes }, recover)
}

export function bindRecovery(context: Context): Recovery {
  return {
    set: (app, recovery, recover) => setRecovery(context, app, recovery, recover),
    revoke: (app, kids, recover) => revokeKeys(context, app, kids, recover),
  }
}
