import type { Context } from '../context.ts'
import { readId } from '../ids.ts'
import { withSigningSlot } from '../keys/signing-queue.ts'
import { requireApp } from '../lookup.ts'
import { countOutcome, countRefusal, type OnApp } from '../outcomes.ts'
import type { AppRecord } from '../storage/index.ts'
import { authenticateRenewal, authenticateToken, invalidToken, TokenCredential } from './check-token.ts'
import { renewLicense, type RenewalOptions, type VerifiedRenewal } from './regenerate.ts'
import { toSigned, type SignedLicense } from './view.ts'

/** A license as its holder may see it: whoever has its token. It has no metadata and no reason of a revocation. */
export type HeldLicense = Pick<
  SignedLicense,
  | 'id'
  | 'installationId'
  | 'customerId'
  | 'tierId'
  | 'tier'
  | 'features'
  | 'limits'
  | 'status'
  | 'expiresAt'
  | 'updatesUntil'
  | 'issuedAt'
  | 'jti'
  | 'token'
  | 'licenseKeyId'
  | 'name'
>

/** The holder may be anybody who got hold of the program, so a new field of a license stays hidden until it is named here. */
export function heldLicense(license: SignedLicense): HeldLicense {
  const { id, installationId, customerId, tierId, tier, features, limits } = license
  const { status, expiresAt, updatesUntil, issuedAt, jti, token, licenseKeyId, name } = license
  const claims = { installationId, customerId, tierId, tier, features, limits, expiresAt, updatesUntil }
  return { id, ...claims, status, issuedAt, jti, token, licenseKeyId, name }
}

/** Verifies the token of a license, and counts a refusal if it is that of a renewal. @throws {LicensingError} `not_found`, `invalid_token`. */
export function authenticate(
  context: Context,
  app: string,
  token: unknown,
  counts?: 'renew',
): Promise<TokenCredential> {
  if (counts === undefined) return authenticateRenewal(context, app, token)
  return countRefusal(context, counts, (onApp) => authenticateRenewal(context, app, token, onApp))
}

interface Renewal extends VerifiedRenewal {
  readonly app: AppRecord
}

/** A credential is used as it is; a token is verified first. @throws {LicensingError} `not_found`, `forbidden`, `invalid_token`. */
async function verifiedRenewal(
  context: Context,
  app: string,
  currentToken: unknown,
  onApp: OnApp,
): Promise<Renewal> {
  if (currentToken instanceof TokenCredential) {
    const { app: known, token, license } = currentToken
    if (app !== known.id && app !== known.slug) throw invalidToken()
    onApp(known)
    return { app: await requireApp({ ...context, app: known }, app, 'licenses:write'), token, license }
  }
  const record = await requireApp(context, app, 'licenses:write')
  onApp(record)
  return { app: record, token: await authenticateToken(context, record, currentToken), license: null }
}

/** Renews a license for the holder of its token. The signing slot is taken before the write. */
export function renew(
  context: Context,
  app: string,
  id: string,
  currentToken: unknown,
  options?: RenewalOptions,
): Promise<HeldLicense> {
  return countOutcome(context, 'renew', (onApp) =>
    withSigningSlot(context, async (slot) => {
      const renewal = await verifiedRenewal(context, app, currentToken, onApp)
      const license = await renewLicense(context, renewal.app, readId('lic', id), renewal, options)
      return heldLicense(await toSigned(context, renewal.app, license, slot, ['active', 'expired']))
    }),
  )
}
