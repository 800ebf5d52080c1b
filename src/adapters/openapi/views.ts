import { Type, type TObject, type TUnsafe } from '@sinclair/typebox'
import type { ApiKey } from '../../core/api-keys/api-keys.ts'
import type { App } from '../../core/apps.ts'
import type { Customer } from '../../core/customers.ts'
import type { Feature } from '../../core/features.ts'
import { flag, instant, limits, nullable, oneOf } from '../../core/input/fields.ts'
import { input } from '../../core/input/parse.ts'
import type { ActivatedKey, ActivatedLicense } from '../../core/license-keys/activation.ts'
import type { LicenseKeyVerification, Seat } from '../../core/license-keys/holder.ts'
import type { BulkRelease, Release } from '../../core/license-keys/release.ts'
import type { LicenseKey } from '../../core/license-keys/view.ts'
import type { Rotation } from '../../core/keys/rotation.ts'
import type { SigningKey } from '../../core/keys/app-keys.ts'
import type { PublicJwk } from '../../core/keys/signing-keys.ts'
import type { BulkOutcome } from '../../core/licenses/regenerate.ts'
import type { TokenVerification, UnknownLicense, Verification } from '../../core/licenses/verify.ts'
import type { HeldLicense } from '../../core/licenses/renewal.ts'
import type { License } from '../../core/licenses/view.ts'
import { eventTypes, type EventType } from '../../core/runtime/events.ts'
import type { Tier } from '../../core/tiers.ts'
import type { WebhookDelivery, WebhookSecret } from '../../core/webhooks/webhooks.ts'
import { apiKeyRecord } from '../../core/storage/api-keys.ts'
import { appRecord } from '../../core/storage/apps.ts'
import { customerRecord } from '../../core/storage/customers.ts'
import { deliveryRecord } from '../../core/storage/deliveries.ts'
import { featureRecord } from '../../core/storage/features.ts'
import { licenseKeyRecord } from '../../core/storage/license-keys.ts'
import { licenseRecord } from '../../core/storage/licenses.ts'
import { signingKeyRecord } from '../../core/storage/signing-keys.ts'
import { tierRecord } from '../../core/storage/tiers.ts'
import { maxTokenLength } from '../../core/token/token.ts'
import { base32Character, typeIdSuffix } from '../../core/typeid.ts'
import {
  count,
  line,
  list,
  matching,
  object,
  optionalFields,
  pemText,
  recordFields,
  slug,
  slugs,
} from './fields.ts'

/** Declares a response in core's names. The type checker holds the schema equal to core's interface. */
const view = input

const status = () =>
  oneOf('Status of the license; revoked takes precedence over expired', ['active', 'expired', 'revoked'])
const expiresAt = () => nullable(instant('Time of expiry; null means never'))
/** The tier's features, at most 100, and the license's own, at most 50. */
const licenseFeatures = () => slugs('The tier’s features at the time of issue, then the custom features', 150)
/** The tier's limits, at most 20, and the license's own, at most 20. */
const licenseLimits = () =>
  limits('The tier’s limits at the time of issue, overridden by the custom limits', 40)
const updatesUntil = () =>
  nullable(instant('It covers versions released until then; null means all versions'))
const installationId = () =>
  matching('Installation id, a UUID in lower case', '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', 36)

const app = view<Omit<App, 'issuer'>>()(
  object('An app', {
    ...recordFields(appRecord, ['issuer', 'tokenSecret']),
    webhookDisabledAt: nullable(
      instant(
        'Time since which no events are sent, because of failures; saving webhook_url enables them again',
      ),
    ),
    publicKeyPem: pemText('Active public key, RSA-4096, SubjectPublicKeyInfo in PEM'),
  }),
)

const rotation = view<Rotation & { message: string }>()(
  object('The result of a key rotation', {
    message: line('The result for people', 1024),
    licensesResigned: count(
      'Number of active licenses, whose tokens are all under the new key: a token is derived from its license and the active key, and never stored',
    ),
    publicKeyPem: pemText('New public key in PEM'),
  }),
)

const signingKey = view<SigningKey>()(
  object('A signing key of an app, without its private half', {
    ...recordFields(signingKeyRecord, ['appId', 'privateKey', 'retiredReason', 'acceptedUntil']),
    publicKeyPem: pemText('Public key, SubjectPublicKeyInfo in PEM'),
    state: oneOf('Tokens under a key in_grace are accepted until accepted_until', [
      'active',
      'in_grace',
      'retired',
    ]),
    acceptedUntil: nullable(instant('End of the grace period; null unless the key is in grace')),
    reason: signingKeyRecord.schema.properties['retiredReason'] as TUnsafe<SigningKey['reason']>,
  }),
)

const jwk = object('A public key', {
  kty: oneOf('Key type', ['RSA']),
  n: matching('Modulus', '^[A-Za-z0-9_-]+$', 683),
  e: matching('Exponent', '^[A-Za-z0-9_-]+$', 8),
  kid: matching('Thumbprint (RFC 7638)', '^[A-Za-z0-9_-]+$', 43),
  alg: oneOf('Algorithm', ['RS256']),
  use: oneOf('Use of the key', ['sig']),
})

const jwks = view<{ keys: readonly (PublicJwk & { kty: 'RSA' })[] }>()(
  object('JWK Set (RFC 7517)', {
    keys: list(jwk, 'The active key, then the keys in their grace period', 1000),
  }),
)

const feature = view<Feature>()(object('A feature', recordFields(featureRecord, ['appId'])))

const tier = view<Tier>()(
  object('A tier', {
    ...recordFields(tierRecord, ['appId']),
    position: count('Order in lists, lower first', 0, 1_000_000),
    features: slugs('Slugs of its features, in the order in which they were added', 100),
    limits: limits('Limits that its licenses get, by slug', 20),
  }),
)

const customer = view<Customer>()(
  object('A customer', {
    ...recordFields(customerRecord, ['appId', 'foldedEmail']),
    email: line('E-mail address', 254),
  }),
)

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

const keyStatus = () =>
  oneOf('Status of the license key; revoked takes precedence over expired', ['active', 'expired', 'revoked'])
const soldSeats = () => count('Seats that were sold', 1, 10_000)
/** A license key may have more seats than were sold, if the vendor lowered their number. */
const seatsUsed = () => count('Seats that are taken', 0, 10_000)

const licenseKey = view<LicenseKey & { applied?: boolean; created?: boolean }>()(
  object('A license key: the right to a number of seats', {
    ...recordFields(licenseKeyRecord, [
      'appId',
      'handle',
      'keyRevision',
      'previousUntil',
      'aliasHash',
      'aliasUntil',
      'releaseCount',
      'releaseYearStart',
      'externalAsOf',
      'externalEnded',
      'revokedCause',
      'toldExpiring',
      'toldExpired',
      'toldFull',
      'version',
    ]),
    features: slugs('Features of a seat that is activated now: the tier’s, then the custom ones', 150),
    customFeatures: slugs('Features of its seats beside the tier’s', 50),
    limits: limits('Limits of a seat that is activated now: the tier’s, overridden by the custom ones', 40),
    customLimits: limits('Limits of its seats, which override the tier’s', 20),
    status: keyStatus(),
    key: Type.Optional(line('The text to mail; only for a secret key that asks for it', 40)),
    keyLastFour: line('Last four symbols of the text', 4),
    seatsUsed: seatsUsed(),
    releasesLeft: nullable(
      count('Releases that holders may still make this year; null for any', 0, 1_000_000),
    ),
    applied: Type.Optional(flag('Only of a sale: false if the shop has said something newer before')),
    created: Type.Optional(flag('Only of a sale: true if it made the license key')),
  }),
)

const activatedKey = object('The license key, as its holder sees it', {
  id: licenseKeyRecord.schema.properties['id'] as TUnsafe<string>,
  status: keyStatus(),
  expiresAt: expiresAt(),
  updatesUntil: updatesUntil(),
  seats: soldSeats(),
  seatsUsed: seatsUsed(),
} satisfies Record<keyof ActivatedKey, unknown>)

const activatedLicense = view<ActivatedLicense>()(
  object('A seat with its license key, as the holder sees them', { ...heldFields, licenseKey: activatedKey }),
)

const seat = view<Omit<Seat, 'seenOn'> & { seenOn: string | null }>()(
  object('A taken seat, as the holder of its license key sees it', {
    licenseId: licenseRecord.schema.properties['id'] as TUnsafe<string>,
    name: licenseRecord.schema.properties['name'] as TUnsafe<string | null>,
    installationIdLastFour: line('Last four characters of the installation id', 4),
    activatedAt: instant('Time when the installation first took a seat'),
    seenOn: nullable(
      Type.String({ description: 'Day of the last sign of life, in UTC', format: 'date', maxLength: 10 }),
    ),
    this: flag('True for the seat of the installation that asks'),
  }),
)

const release = view<Release>()(
  object('The result of giving a seat back', {
    released: Type.Unsafe<true>(flag('Always true')),
    releasesLeft: nullable(
      count('Releases that holders may still make this year; null for any', 0, 1_000_000),
    ),
  }),
)

const releasedSeats = view<BulkRelease>()(
  object('The result of giving many seats back', {
    released: count('Seats that were given back', 0, 10_000),
  }),
)

const licenseKeyVerification = view<LicenseKeyVerification>()(
  object('The result of verifying a license key', {
    valid: flag('True if installations may be activated with it now'),
    code: nullable(
      oneOf('Cause, if it is not valid', [
        'invalid_license_key',
        'license_key_expired',
        'license_key_revoked',
        'missing_tier',
      ]),
    ),
    reason: line('The result for people', 1024),
    status: Type.Optional(keyStatus()),
    tier: Type.Optional(slug('Slug of the tier')),
    features: Type.Optional(licenseFeatures()),
    limits: Type.Optional(licenseLimits()),
    expiresAt: Type.Optional(expiresAt()),
    updatesUntil: Type.Optional(updatesUntil()),
    seats: Type.Optional(soldSeats()),
    seatsUsed: Type.Optional(seatsUsed()),
  }),
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

const apiKey = view<ApiKey & { secret?: string }>()(
  object('An API key', {
    ...recordFields(apiKeyRecord, ['appId', 'hash']),
    prefix: Type.Unsafe<string>(
      oneOf('First characters of the secret', ['sk_live_', 'sk_test_', 'pk_live_', 'pk_test_']),
    ),
    secret: Type.Optional(matching('The key itself; no other response shows it', '^[sp]k_(live|test)_', 44)),
  }),
)

const webhookSecret = view<WebhookSecret>()(
  object('The secret that signs the app’s events', {
    secret: matching('Secret in the format of Standard Webhooks', '^whsec_[A-Za-z0-9+/=]{44}$', 50),
    previousExpiresAt: nullable(
      instant('Time until which the previous secret also signs; null if there is none'),
    ),
  }),
)

const delivery = view<WebhookDelivery>()(
  object('The delivery of an event to the webhook', {
    ...recordFields(deliveryRecord, ['appId', 'payload', 'priority', 'dueAt', 'version']),
    type: oneOf('Type of the event', Object.keys(eventTypes) as EventType[]),
    lastStatus: nullable(count('HTTP status of the last attempt; null without a response', 100, 999)),
    lastError: nullable(line('Error of the last attempt', 255)),
    nextAttemptAt: nullable(instant('Time of the next attempt; null unless pending')),
  }),
)

const health = view<{ status: 'ok' | 'error'; version: string; storage: 'ok' | 'error' }>()(
  object('Health of the server', {
    status: oneOf('error if storage does not respond', ['ok', 'error']),
    version: line('Version of Heartwood', 64),
    storage: oneOf('State of the storage', ['ok', 'error']),
  }),
)

/** The names of the views in the OpenAPI document. */
export type ViewName =
  | 'ActivatedLicense'
  | 'ApiKey'
  | 'App'
  | 'BulkRegeneration'
  | 'Customer'
  | 'Feature'
  | 'Health'
  | 'HeldLicense'
  | 'Jwks'
  | 'License'
  | 'LicenseKey'
  | 'LicenseKeyVerification'
  | 'Release'
  | 'ReleasedSeats'
  | 'Rotation'
  | 'Seat'
  | 'SigningKey'
  | 'Tier'
  | 'TokenVerification'
  | 'UnknownLicense'
  | 'Verification'
  | 'WebhookDelivery'
  | 'WebhookSecret'

/** The views by their names. */
export const views: Readonly<Record<ViewName, TObject>> = {
  ActivatedLicense: activatedLicense.schema,
  ApiKey: apiKey.schema,
  App: app.schema,
  BulkRegeneration: bulk.schema,
  Customer: customer.schema,
  Feature: feature.schema,
  Health: health.schema,
  HeldLicense: heldLicense.schema,
  Jwks: jwks.schema,
  License: license.schema,
  LicenseKey: licenseKey.schema,
  LicenseKeyVerification: licenseKeyVerification.schema,
  Release: release.schema,
  ReleasedSeats: releasedSeats.schema,
  Rotation: rotation.schema,
  Seat: seat.schema,
  SigningKey: signingKey.schema,
  Tier: tier.schema,
  TokenVerification: tokenVerification.schema,
  UnknownLicense: unknownLicense.schema,
  Verification: verification.schema,
  WebhookDelivery: delivery.schema,
  WebhookSecret: webhookSecret.schema,
}
