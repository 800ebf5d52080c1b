import { Type, type TInteger, type TNull, type TObject, type TUnion, type TUnsafe } from '@sinclair/typebox'
import { flag, instant, limits, nullable, oneOf } from '../../core/input/fields.ts'
import { input } from '../../core/input/parse.ts'
import type { BulkOutcome } from '../../core/licenses/regenerate.ts'
import type { HeldLicense } from '../../core/licenses/renewal.ts'
import type { TokenVerification, UnknownLicense, Verification } from '../../core/licenses/verify.ts'
import type { License } from '../../core/licenses/view.ts'
import type { Limits } from '../../core/limits.ts'
import { licenseRecord } from '../../core/storage/licenses.ts'
import { maxTokenLength } from '../../core/token/token.ts'
import { base32Character, typeIdSuffix } from '../../core/typeid.ts'
import { count, line, matching, object, optionalFields, recordFields, slug, slugs } from './fields.ts'

/** Declares a response in core's names. The type checker holds the schema equal to core's interface. */
const view = input

const status = () =>
  oneOf('Status of the license; revoked takes precedence over expired', ['active', 'expired', 'revoked'])
export const expiresAt = (): TUnion<[TInteger, TNull]> =>
  nullable(instant('Time of expiry; null means never'))
/** The tier's features, at most 100, and the license's own, at most 50. */
export const licenseFeatures = (): TUnsafe<readonly string[]> =>
  slugs('The tier’s features at the time of issue, then the custom features', 150)
/** The tier's limits, at most 20, and the license's own, at most 20. */
export const licenseLimits = (): TUnsafe<Limits> =>
  limits('The tier’s limits at the time of issue, overridden by the custom limits', 40)
export const updatesUntil = (): TUnion<[TInteger, TNull]> =>
  nullable(instant('It covers versions released until then; null means all versions'))
const installationId = () =>
  matching('Installation id, a UUID in lower case', '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', 36)

const licenseToken = (text: string) => matching(text, '^eyJ', maxTokenLength)
const jtiPattern = `^lic_${typeIdSuffix}${base32Character}{32}$`
const internal = [
  'appId',
  'tierFeatures',
  'tierLimits',
  'current',
  'revision',
  'minRevision',
  'version',
] as const
/** Fields of a license that a public key does not get, beside `jti`. */
const onlyForSecretKeys = ['revokedCause', 'seenAt', 'seenKid', 'seenClient'] as const
type OnlyForSecretKeys = 'jti' | (typeof onlyForSecretKeys)[number]

const license = view<Omit<License, OnlyForSecretKeys> & Partial<Pick<License, OnlyForSecretKeys>>>()(
  object('A license', {
    ...recordFields(licenseRecord, [...internal, ...onlyForSecretKeys]),
    ...optionalFields(licenseRecord, onlyForSecretKeys),
    features: licenseFeatures(),
    customFeatures: slugs('Features of this license only', 50),
    limits: licenseLimits(),
    customLimits: limits('Limits of this license only', 20),
    status: status(),
    jti: Type.Optional(matching('Id of the token; only for a secret key', jtiPattern, 62)),
    token: Type.Optional(nullable(licenseToken('License token; null unless active. Only for a secret key'))),
  }),
)

const heldFields = {
  ...recordFields(licenseRecord, [
    ...internal,
    ...onlyForSecretKeys,
    ...([
      'customFeatures',
      'customLimits',
      'revokedAt',
      'revokedReason',
      'metadata',
      'createdAt',
      'updatedAt',
    ] as const),
  ]),
  features: licenseFeatures(),
  limits: licenseLimits(),
  status: status(),
  jti: matching('Id of the token', jtiPattern, 62),
  token: nullable(licenseToken('License token')),
}

const heldLicense = view<HeldLicense>()(
  object('A license as the holder of its token or license key sees it', heldFields),
)

const bulk = view<BulkOutcome>()(
  object('The result of regenerating many licenses', {
    licensesRegenerated: count('Active licenses that were regenerated'),
    skipped: object('Active licenses that were skipped, by reason', {
      missingTier: count('Licenses whose tier was deleted'),
    }),
  }),
)

const verificationFields = {
  status: status(),
  tier: slug('Slug of the tier'),
  features: licenseFeatures(),
  limits: licenseLimits(),
  expiresAt: expiresAt(),
  updatesUntil: updatesUntil(),
  installationId: installationId(),
  superseded: Type.Optional(
    Type.Unsafe<true>(flag('Present, and true, if a newer token has replaced this one')),
  ),
}

const verification = view<Verification>()(
  object('The result of verifying a license', {
    valid: flag('True if the license is valid now'),
    ...verificationFields,
  }),
)

const tokenVerification = view<TokenVerification>()(
  object('The result of verifying a token', {
    valid: flag('True if the token is valid now'),
    code: nullable(
      oneOf('Cause, if the token is not valid', [
        'invalid_token',
        'token_expired',
        'license_revoked',
        'license_released',
        'version_not_covered',
        'not_found',
      ]),
    ),
    reason: line('The result for people', 1024),
    ...Type.Partial(Type.Object(verificationFields)).properties,
  }),
)

const unknownLicense = view<UnknownLicense>()(
  object('A license that does not exist', {
    valid: Type.Unsafe<false>(flag('Always false')),
    status: oneOf('Always not_found', ['not_found']),
  }),
)

export type LicenseViewName =
  'BulkRegeneration' | 'HeldLicense' | 'License' | 'TokenVerification' | 'UnknownLicense' | 'Verification'

/** The views of licenses by their names. */
export const licenseViews: Readonly<Record<LicenseViewName, TObject>> = {
  BulkRegeneration: bulk.schema,
  HeldLicense: heldLicense.schema,
  License: license.schema,
  TokenVerification: tokenVerification.schema,
  UnknownLicense: unknownLicense.schema,
  Verification: verification.schema,
}
