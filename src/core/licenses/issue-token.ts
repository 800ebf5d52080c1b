import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { uuidOf } from '../ids.ts'
import { activeKey, privateKeyOf, tokenSecretOf } from '../keys/signing-keys.ts'
import { sha256 } from '../runtime/crypto.ts'
import type { Slot } from '../runtime/work-queue.ts'
import type { AppRecord, LicenseRecord, SigningKeyRecord } from '../storage/index.ts'
import { makeJti } from '../token/jti.ts'
import { signToken, type LicenseClaims } from '../token/token.ts'
import type { License } from './view.ts'

/** The features a license grants: the tier's, then its own, each once. */
export function featuresOf(
  license: Pick<LicenseRecord, 'tierFeatures' | 'customFeatures'>,
): readonly string[] {
  const { tierFeatures, customFeatures } = license
  if (customFeatures.length === 0 && isEachOnce(tierFeatures)) return tierFeatures
  return [...new Set([...tierFeatures, ...customFeatures])]
}

/** For the few features of nearly every tier, a set would cost more than the comparisons. */
function isEachOnce(features: readonly string[]): boolean {
  return features.length <= 8 && features.every((slug, at) => features.indexOf(slug) === at)
}

/** The `jti` of one issue of a license's claims. */
export function jtiOf(
  context: Context,
  app: AppRecord,
  license: Pick<LicenseRecord, 'id' | 'revision'>,
): string {
  const jti = { licenseId: license.id, revision: license.revision }
  const secret = tokenSecretOf(context, app)
  return makeJti((message) => secret.mac(message), jti, uuidOf(license.id))
}

function claimsOf(app: AppRecord, license: License): LicenseClaims {
  return {
    sub: license.installationId,
    aud: app.slug,
    iss: app.issuer,
    iat: license.issuedAt,
    ...(license.expiresAt !== null && { exp: license.expiresAt }),
    jti: license.jti,
    lic_id: uuidOf(license.id),
    tier: license.tier,
    customer_id: license.customerId,
    features: license.features,
    ...(Object.keys(license.limits).length > 0 && { limits: license.limits }),
    ...(license.updatesUntil !== null && { updates_until: license.updatesUntil }),
  }
}

/** Claims and key always give the same bytes, so a cached token is as good as a new one. */
async function signedToken(
  context: Context,
  claims: LicenseClaims,
  key: SigningKeyRecord,
  slot: Slot,
): Promise<string> {
  const name = `${key.kid} ${sha256(JSON.stringify(claims))}`
  const sign = async (): Promise<string> => signToken(claims, key.kid, await privateKeyOf(context, key))
  return context.runtime.caches.signedTokens.get(name, () => slot.run(sign))
}

/**
 * Derives the token of a license: the same license and key give the same bytes. It signs with the key that was active before,
 * and reads the active key after signing. So no request that begins after a rotation's response gets a token under the old
 * key, and a key costs one read.
 *
 * @throws {LicensingError} `license_revoked`; `not_found` if the app is gone.
 */
export async function deriveToken(
  context: Context,
  app: AppRecord,
  license: License,
  slot: Slot,
): Promise<string> {
  if (license.revokedAt !== null)
    throw new LicensingError('license_revoked', 'Cannot sign for a revoked license')
  const claims = claimsOf(app, license)
  const { activeKeys, privateKeys } = context.runtime.caches
  let known = await activeKeys.get(app.id, () => activeKey(context, app.id))
  for (;;) {
    const token = await signedToken(context, claims, known, slot)
    const active = await context.storage.findActiveKey(app.id)
    if (active?.kid === known.kid) return token
    // The rotation or deletion has forgotten the private key, and the signature brought it back into memory.
    privateKeys.forget(known.kid)
    activeKeys.forget(app.id)
    known = await activeKeys.get(app.id, async () => active ?? activeKey(context, app.id))
  }
}
