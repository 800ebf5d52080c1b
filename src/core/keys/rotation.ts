import { Type } from '@sinclair/typebox'
import { inTransaction } from '../transaction.ts'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { flag, integer } from '../input/fields.ts'
import { input, type Input } from '../input/parse.ts'
import type { KeyPair } from '../runtime/key-pool.ts'
import { activeKey, keyPairFor, sealSigningKey } from './signing-keys.ts'
import { requireApp } from '../lookup.ts'
import type { AppRecord } from '../storage/index.ts'
import { day } from '../time.ts'

export interface RotationOptions {
  /**
   * For so many days the old public key stays in the JWK Set and its tokens still verify and renew themselves. Default 0,
   * which also ends every earlier grace. Never use grace after a suspected leak: whoever holds the old private key could go
   * on signing.
   */
  readonly gracePeriodDays?: number
  /** Answers the counts and changes nothing. */
  readonly dryRun?: boolean
}

export interface Rotation {
  /** How many active licenses have their token under the new key from now on. */
  readonly licensesResigned: number
  /** The active public key in PEM: the new one, but after a dry run the present one. */
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

/** Why a swap was lost: the app is gone, or another rotation was faster. */
async function explainLoss(context: Context, app: AppRecord): Promise<LicensingError> {
  await requireApp(context, app.id)
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
  if (next.kid === old.kid) throw new TypeError('A rotation needs a fresh key pair')
  const now = context.runtime.now()
  const acceptOldUntil = graceDays === 0 ? null : now + graceDays * day
  const rotation = await inTransaction(context, async (tx, emit): Promise<Rotation | null> => {
    if (!(await tx.swapActiveKey(app.id, old.kid, next, acceptOldUntil))) return null
    const licensesResigned = await tx.countLicenses({ appId: app.id, status: 'active', now })
    await emit(app, { type: 'app.keys_rotated', data: { kid: next.kid, licensesResigned } })
    return { licensesResigned, publicKeyPem: next.publicKeyPem }
  })
  if (rotation === null) throw await explainLoss(context, app)
  context.runtime.caches.privateKeys.forget(old.kid)
  return rotation
}

/**
 * Replaces an app's key pair with a fresh one. Tokens are derived from license and active key, never stored, so from
 * this one small transaction on every active license's token is signed by the new key, however many there are.
 *
 * @throws {LicensingError} `not_found`; `conflict` when another rotation was faster; `validation_error`; `unavailable` when
 * too many key pairs are being made.
 */
export async function rotateKeys(
  context: Context,
  app: string,
  options: RotationOptions = {},
  keyPair?: KeyPair,
): Promise<Rotation> {
  const { gracePeriodDays = 0, dryRun = false } = rotationOptions.parse(options)
  const record = await requireApp(context, app)
  if (!dryRun) return swapKey(context, record, gracePeriodDays, keyPair)
  const { publicKeyPem } = await activeKey(context, record.id)
  return { licensesResigned: await countActive(context, record), publicKeyPem }
}
