import { Type } from '@sinclair/typebox'
import { actIn } from '../acts/act.ts'
import type { Changes } from '../acts/changes.ts'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { flag, integer } from '../input/fields.ts'
import { input, invalidInput, type Input } from '../input/parse.ts'
import { requireApp } from '../lookup.ts'
import type { KeyPair } from '../runtime/key-pool.ts'
import type {
  AppRecord,
  KeyStatementRecord,
  NumericDate,
  RetirementReason,
  SigningKeyRecord,
  StorageSession,
} from '../storage/index.ts'
import { day } from '../time.ts'
import { type Emit, inTransaction, type Note } from '../transaction.ts'
import { nextStatements, readChain, recoveryRequired, type Chain, type Recover } from './chain.ts'
import { impactOf, type RotationImpact } from './impact.ts'
import { activeKey, appGone, keyPairFor, sealSigningKey } from './signing-keys.ts'

/** The fields of a rotation, as a request has them. */
export interface RotationFields {
  /**
   * Days for which tokens under the old key still verify and renew themselves, and the old key stays in the JWK Set. 0 to 90,
   * default 0, which also ends every earlier grace period. Never give grace after a suspected leak: a thief of the old private
   * key could go on signing.
   */
  readonly gracePeriodDays?: number
  /** True if the old private key may have leaked. Its statement then revokes it, and there is no grace. Default `false`. */
  readonly compromised?: boolean
  /** Resolves to the counts and changes nothing. */
  readonly dryRun?: boolean
}

/**
 * Options of `licensing.rotateKeys`.
 *
 * @example
 * ```ts
 * import { signWithRecoveryKey, type RotationOptions } from 'heartwood'
 *
 * const yearly: RotationOptions = { gracePeriodDays: 30 }
 * const afterLeak = (recoveryKeyPem: string): RotationOptions => ({
 *   compromised: true,
 *   recover: async (payload) => [await signWithRecoveryKey(payload, recoveryKeyPem)],
 * })
 * ```
 */
export interface RotationOptions extends RotationFields {
  /** Lets recovery keys sign. A compromised rotation of an app with recovery keys needs it, and no other rotation calls it. */
  readonly recover?: Recover
}

/** Result of `licensing.rotateKeys`. */
export interface Rotation {
  /** Number of active licenses. From now on their tokens are under the new key. */
  readonly licensesResigned: number
  /** The new public key in PEM; after a dry run the present key. */
  readonly publicKeyPem: string
  /** Only of a dry run: what the rotation would mean for the active licenses. */
  readonly impact?: RotationImpact
}

export const rotationFields: Input<RotationFields> = input<RotationFields>()(
  Type.Object({
    gracePeriodDays: Type.Optional(
      integer(
        'Days in which tokens under the old key are still accepted. Never after a suspected leak',
        0,
        90,
      ),
    ),
    compromised: Type.Optional(flag('Revoke the old key, because it may have leaked')),
    dryRun: Type.Optional(flag('Answer the counts and change nothing')),
  }),
)

/** A rotation that was checked. */
interface Plan {
  readonly graceDays: number
  readonly compromised: boolean
  readonly dryRun: boolean
  readonly recover: Recover | undefined
}

/** JSON holds no function, so a request has none of its parts taken off before the check. */
function partsOf(options: RotationOptions): {
  readonly fields: unknown
  readonly recover: Recover | undefined
} {
  if (typeof options?.recover !== 'function') return { fields: options, recover: undefined }
  const { recover, ...fields } = options
  return { fields, recover }
}

/** @throws {LicensingError} `validation_error`. */
function planOf(options: RotationOptions): Plan {
  const { fields, recover } = partsOf(options)
  const { gracePeriodDays: graceDays = 0, compromised = false, dryRun = false } = rotationFields.parse(fields)
  if (compromised && graceDays > 0)
    throw invalidInput({ gracePeriodDays: ['must be 0 or absent if the old key is compromised'] })
  return { graceDays, compromised, dryRun, recover }
}

async function explainLoss({ storage }: Context, app: AppRecord): Promise<LicensingError> {
  if ((await storage.findApp(app.id)) === null) return new LicensingError('not_found', 'App not found')
  return new LicensingError('conflict', 'Another rotation of these keys was faster')
}

function nullIfTaken(error: unknown): null {
  if (error instanceof LicensingError && error.code === 'conflict') return null
  throw error
}

/** True if the recovery keys of the app must sign. @throws {LicensingError} `recovery_required` if nobody asks them. */
function mustRecover({ last }: Chain, { compromised, recover }: Plan): boolean {
  if (!compromised || last.recovery === null) return false
  if (recover === undefined)
    throw recoveryRequired('heartwood apps rotate-keys SLUG --compromised --recovery-key FILE')
  return true
}

/** The times after which keys sign no more: that of the old key, and of every key whose grace the rotation ends. */
function retiredBy(
  keys: readonly SigningKeyRecord[],
  old: SigningKeyRecord,
  acceptOldUntil: NumericDate | null,
  now: NumericDate,
): Readonly<Record<string, NumericDate>> {
  const inGrace = keys.filter(({ acceptedUntil }) => (acceptedUntil ?? 0) > now)
  const ended = acceptOldUntil === null ? inGrace.map(({ kid }) => [kid, now] as const) : []
  return Object.fromEntries([[old.kid, acceptOldUntil ?? now], ...ended])
}

/** The new key, the end of the old one, and the statement about both. Nothing is written yet. */
interface Swap {
  readonly old: SigningKeyRecord
  readonly next: SigningKeyRecord
  readonly acceptOldUntil: NumericDate | null
  readonly statements: readonly KeyStatementRecord[]
}

async function prepareSwap(context: Context, app: AppRecord, plan: Plan, pair?: KeyPair): Promise<Swap> {
  const known = await context.storage.listSigningKeys(app.id)
  const [old] = known
  if (old === undefined) throw appGone()
  const chain = await readChain(context, app, old)
  const isRecovery = mustRecover(chain, plan)
  const pairOfNext = await keyPairFor(context, pair, 'fresh')
  const { record: next, jwk, privateKey } = await sealSigningKey(context, app.id, pairOfNext)
  const taken = [...known.map(({ kid }) => kid), ...(chain.last.recovery?.kids ?? [])]
  if (taken.includes(next.kid)) throw new TypeError('A rotation needs a fresh key pair')
  // To open and import the sealed key again would take a fifth of a signature.
  await context.runtime.caches.privateKeys.get(next.kid, async () => privateKey)
  const now = context.runtime.now()
  const acceptOldUntil = plan.graceDays === 0 ? null : now + plan.graceDays * day
  const succession = {
    key: jwk,
    retired: retiredBy(known, old, acceptOldUntil, now),
    revoked: plan.compromised ? [old.kid] : [],
    recovery: chain.last.recovery,
  }
  const signers = isRecovery
    ? { keys: [next], recover: plan.recover, mustRecover: true }
    : { keys: [old, next], mustRecover: false }
  const statements = await nextStatements(context, app, chain, succession, signers)
  return { old, next, acceptOldUntil, statements }
}

function changesOf(oldKid: string, kid: string, reason: RetirementReason): Changes {
  return { kid: [oldKid, kid], retired_reason: [null, reason] }
}

async function swapKey(context: Context, app: AppRecord, plan: Plan, pair?: KeyPair): Promise<Rotation> {
  const { old, next, acceptOldUntil, statements } = await prepareSwap(context, app, plan, pair)
  const { compromised } = plan
  const { kid, publicKeyPem, createdAt: retiredAt } = next
  const retirement = { retiredAt, retiredReason: compromised ? 'compromised' : 'rotated' } as const
  const { seq } = statements.at(-1)!
  const swap = async (tx: StorageSession, emit: Emit, note: Note): Promise<Rotation | null> => {
    if (!(await tx.swapActiveKey(app.id, old.kid, next, acceptOldUntil, retirement, statements))) return null
    const now = context.runtime.now()
    const licensesResigned = await tx.countLicenses({ appId: app.id, status: 'active', now })
    note(actIn(app, 'app.keys_rotated', ['app', app.id], changesOf(old.kid, kid, retirement.retiredReason)))
    await emit(app, { type: 'app.keys_rotated', data: { kid, licensesResigned, seq, compromised } })
    return { licensesResigned, publicKeyPem }
  }
  const rotation = await inTransaction(context, swap, { alone: true }).catch(nullIfTaken)
  const { activeKeys, privateKeys } = context.runtime.caches
  if (rotation === null) {
    privateKeys.forget(kid)
    throw await explainLoss(context, app)
  }
  activeKeys.forget(app.id)
  privateKeys.forget(old.kid)
  return rotation
}

async function foresee(context: Context, app: AppRecord, plan: Plan): Promise<Rotation> {
  const active = await activeKey(context, app.id)
  mustRecover(await readChain(context, app, active), plan)
  const { graceDays } = plan
  const { licenses, impact } = await impactOf(context, app, context.runtime.now() + graceDays * day)
  return { licensesResigned: licenses, publicKeyPem: active.publicKeyPem, impact }
}

/**
 * Replaces an app's key pair: see `Licensing.rotateKeys`. It is one small transaction, whatever the number of licenses,
 * because tokens are derived from license and active key.
 */
export async function rotateKeys(
  context: Context,
  app: string,
  options: RotationOptions = {},
  keyPair?: KeyPair,
): Promise<Rotation> {
  const plan = planOf(options)
  const record = await requireApp(context, app, 'apps:rotate')
  return plan.dryRun ? foresee(context, record, plan) : swapKey(context, record, plan, keyPair)
}
