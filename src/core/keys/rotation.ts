import { Type } from '@sinclair/typebox'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { flag, integer } from '../input/fields.ts'
import { input, type Input } from '../input/parse.ts'
import { requireApp } from '../lookup.ts'
import type { KeyPair } from '../runtime/key-pool.ts'
import type { AppRecord, StorageSession } from '../storage/index.ts'
import { day } from '../time.ts'
import { type Emit, inTransaction } from '../transaction.ts'
import { activeKey, keyPairFor, sealSigningKey } from './signing-keys.ts'

/**
 * Options of `licensing.rotateKeys`.
 *
 * @example
 * ```ts
 * import type { RotationOptions } from 'heartwood'
 *
 * const yearly: RotationOptions = { gracePeriodDays: 30 }
 * const afterLeak: RotationOptions = {}
 * ```
 */
export interface RotationOptions {
  /**
   * Days for which tokens under the old key still verify and renew themselves, and the old key stays in the JWK Set. 0 to 90,
   * default 0, which also ends every earlier grace period. Never give grace after a suspected leak: a thief of the old private
   * key could go on signing.
   */
  readonly gracePeriodDays?: number
  /** Resolves to the counts and changes nothing. */
  readonly dryRun?: boolean
}

/** Result of `licensing.rotateKeys`. */
export interface Rotation {
  /** Number of active licenses. From now on their tokens are under the new key. */
  readonly licensesResigned: number
  /** The new public key in PEM; after a dry run the present key. */
  readonly publicKeyPem: string
}

export const rotationOptions: Input<RotationOptions> = input<RotationOptions>()(
  Type.Object({
    gracePeriodDays: Type.Optional(
      integer(
        'Days in which tokens under the old key are still accepted. Never after a suspected leak',
        0,
        90,
      ),
    ),
    dryRun: Type.Optional(flag('Answer the counts and change nothing')),
  }),
)

function countActive(context: Context, app: AppRecord): Promise<number> {
  return context.storage.countLicenses({ appId: app.id, status: 'active', now: context.runtime.now() })
}

async function explainLoss({ storage }: Context, app: AppRecord): Promise<LicensingError> {
  if ((await storage.findApp(app.id)) === null) return new LicensingError('not_found', 'App not found')
  return new LicensingError('conflict', 'Another rotation of these keys was faster')
}

async function swapKey(
  context: Context,
  app: AppRecord,
  graceDays: number,
  pair?: KeyPair,
): Promise<Rotation> {
  const old = await activeKey(context, app.id)
  const next = await sealSigningKey(context, app.id, await keyPairFor(context, pair, 'fresh'))
  const known = await context.storage.listSigningKeys(app.id)
  if (known.some(({ kid }) => kid === next.kid)) throw new TypeError('A rotation needs a fresh key pair')
  const now = context.runtime.now()
  const acceptOldUntil = graceDays === 0 ? null : now + graceDays * day
  const swap = async (tx: StorageSession, emit: Emit): Promise<Rotation | null> => {
    if (!(await tx.swapActiveKey(app.id, old.kid, next, acceptOldUntil))) return null
    const licensesResigned = await tx.countLicenses({ appId: app.id, status: 'active', now })
    await emit(app, { type: 'app.keys_rotated', data: { kid: next.kid, licensesResigned } })
    return { licensesResigned, publicKeyPem: next.publicKeyPem }
  }
  const rotation = await inTransaction(context, swap, { alone: true })
  if (rotation === null) throw await explainLoss(context, app)
  context.runtime.caches.activeKeys.forget(app.id)
  context.runtime.caches.privateKeys.forget(old.kid)
  return rotation
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
  const { gracePeriodDays = 0, dryRun = false } = rotationOptions.parse(options)
  const record = await requireApp(context, app, 'apps:rotate')
  if (!dryRun) return swapKey(context, record, gracePeriodDays, keyPair)
  const { publicKeyPem } = await activeKey(context, record.id)
  return { licensesResigned: await countActive(context, record), publicKeyPem }
}
