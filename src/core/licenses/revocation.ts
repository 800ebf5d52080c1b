import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { licenseId, requireApp } from '../lookup.ts'
import type { AppRecord, LicenseRecord } from '../storage/index.ts'
import { changeLicense, type ChangePlan, type LicenseChange } from './changes.ts'
import { reinstatement, revocation, type Reinstatement, type Revocation } from './input.ts'
import { nextRevision } from './regenerate.ts'
import { licenseKeyRevoked, seatClaims } from './seats.ts'
import type { License, SignedLicense } from './view.ts'

/** The fields of a license that is not revoked. */
export const unrevoked = { revokedAt: null, revokedReason: null, revokedCause: null } as const

/** Ends a license at once. To revoke it again changes nothing. */
export async function revokeLicense(
  context: Context,
  app: string,
  id: string,
  options: Revocation = {},
): Promise<License> {
  const { reason = null } = revocation.parse(options)
  const record = await requireApp(context, app, 'licenses:write')
  const now = context.runtime.now()
  // A seat that was only given back must not come back by an activation any more.
  const plan: ChangePlan = ({ revokedAt, revokedCause }) =>
    revokedAt === null || revokedCause !== null
      ? {
          patch: { revokedAt: revokedAt ?? now, revokedReason: reason, revokedCause: null },
          event: 'license.revoked',
        }
      : null
  const { token: _token, ...license } = await changeLicense(context, record, licenseId(id), plan)
  return license
}

/** A seat comes back with the claims that its license key has now. */
async function reinstatedSeat(
  context: Context,
  license: LicenseRecord,
  licenseKeyId: string,
  invalidatePrevious: boolean,
): Promise<LicenseChange> {
  const key = await context.storage.findLicenseKey(license.appId, licenseKeyId)
  if (key === null) throw new LicensingError('not_found', 'License not found')
  if (key.revokedAt !== null) throw licenseKeyRevoked()
  const revision = license.revision + 1
  const issued = { expiresAt: key.expiresAt, issuedAt: context.runtime.now(), revision }
  const claims = await seatClaims(context.storage, key)
  const limited = invalidatePrevious && { minRevision: revision }
  return {
    patch: { ...unrevoked, ...claims, ...issued, ...limited },
    event: 'license.reinstated',
    takes: key,
  }
}

/** Undoes the revocation of a license. A seat takes a seat of its license key again. */
export async function reinstateLicense(
  context: Context,
  app: string,
  id: string,
  options: Reinstatement = {},
): Promise<readonly [AppRecord, SignedLicense]> {
  const { invalidatePrevious = false } = reinstatement.parse(options)
  const record = await requireApp(context, app, 'licenses:write')
  const plan: ChangePlan = async (license) => {
    const event = license.revokedAt === null ? 'license.regenerated' : 'license.reinstated'
    if (license.licenseKeyId !== null && license.revokedAt !== null)
      return reinstatedSeat(context, license, license.licenseKeyId, invalidatePrevious)
    if (!invalidatePrevious) return license.revokedAt === null ? null : { patch: unrevoked, event }
    const issued = await nextRevision(context, record, { ...license, ...unrevoked }, { invalidatePrevious })
    return { patch: { ...unrevoked, ...issued }, event }
  }
  return [record, await changeLicense(context, record, licenseId(id), plan)]
}
