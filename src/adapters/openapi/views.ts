import { Type, type TNull, type TObject, type TString, type TUnion } from '@sinclair/typebox'
import type { ApiKey } from '../../core/api-keys/api-keys.ts'
import type { App } from '../../core/apps.ts'
import type { Customer } from '../../core/customers.ts'
import type { Feature } from '../../core/features.ts'
import { appSlugPattern, typeIdSuffix } from '../../core/ids.ts'
import { flag, instant, metadata, nullable, oneOf } from '../../core/input/fields.ts'
import { input } from '../../core/input/parse.ts'
import type { Rotation } from '../../core/keys/rotation.ts'
import type { PublicJwk } from '../../core/keys/signing-keys.ts'
import type { BulkOutcome } from '../../core/licenses/regenerate.ts'
import type { TokenVerification, UnknownLicense, Verification } from '../../core/licenses/verify.ts'
import type { License } from '../../core/licenses/view.ts'
import { eventTypes, type EventType } from '../../core/runtime/events.ts'
import type { Tier } from '../../core/tiers.ts'
import type { WebhookDelivery, WebhookSecret } from '../../core/webhooks/webhooks.ts'
import { count, id, line, list, matching, object, pemText, slug, slugs } from './fields.ts'

/** Declares a response in core's names. The type checker holds the schema equal to core's interface. */
const view = input

const displayName = (): TString => line('Display name', 255)
const about = (): TUnion<[TString, TNull]> => nullable(line('Description for people', 2048))
const timestamps = {
  createdAt: instant('Time of creation'),
  updatedAt: instant('Time of the last change'),
}
const status = () =>
  oneOf('Status of the license; revoked takes precedence over expired', ['active', 'expired', 'revoked'])
const expiresAt = () => nullable(instant('Time of expiry; null means never'))
/** The tier's features, at most 100, and the license's own, at most 50. */
const licenseFeatures = () => slugs('The tier’s features at the time of issue, then the custom features', 150)
const installationId = () =>
  matching('Installation id, a UUID in lower case', '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', 36)

const app = view<Omit<App, 'issuer'>>()(
  object('An app', {
    id: id('app', 'Id of the app'),
    mode: oneOf('Mode of the key that created the app', ['live', 'test']),
    name: displayName(),
    slug: matching('Name in URLs, and the audience of the app’s tokens', appSlugPattern, 63),
    description: about(),
    webhookUrl: nullable(line('URL that receives license events', 2048)),
    webhookDisabledAt: nullable(
      instant(
        'Time since which no events are sent, because of failures; saving webhook_url enables them again',
      ),
    ),
    publicKeyPem: pemText('Active public key, RSA-4096, SubjectPublicKeyInfo in PEM'),
    ...timestamps,
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

const feature = view<Feature>()(
  object('A feature', {
    id: id('feat', 'Id of the feature'),
    name: displayName(),
    slug: slug('Name in tokens'),
    description: about(),
    ...timestamps,
  }),
)

const tier = view<Tier>()(
  object('A tier', {
    id: id('tier', 'Id of the tier'),
    name: displayName(),
    slug: slug('Name in tokens'),
    description: about(),
    position: count('Order in lists, lower first', 0, 1_000_000),
    features: slugs('Slugs of its features, in the order in which they were added', 100),
    ...timestamps,
  }),
)

const customer = view<Customer>()(
  object('A customer', {
    id: id('cus', 'Id of the customer'),
    email: line('E-mail address', 254),
    name: nullable(line('Name', 255)),
    externalId: nullable(line('Id of the customer in your own system', 255)),
    metadata: metadata(),
    ...timestamps,
  }),
)

const license = view<Omit<License, 'jti'> & Partial<Pick<License, 'jti'>>>()(
  object('A license', {
    id: id('lic', 'Id of the license'),
    installationId: installationId(),
    customerId: id('cus', 'Customer who holds the license'),
    tierId: nullable(id('tier', 'Tier of the license; null after the tier was deleted')),
    tier: slug('Slug of the tier, as in the token'),
    features: licenseFeatures(),
    customFeatures: slugs('Features of this license only', 50),
    status: status(),
    expiresAt: expiresAt(),
    revokedAt: nullable(instant('Time of the revocation')),
    revokedReason: nullable(line('Reason of the revocation', 1024)),
    issuedAt: instant('Time at which the claims were issued: iat in the token'),
    jti: Type.Optional(
      matching('Id of the token; only for a secret key', `^lic_${typeIdSuffix}[0-9a-hjkmnp-tv-z]{32}$`, 62),
    ),
    metadata: metadata(),
    ...timestamps,
    token: Type.Optional(
      nullable(matching('License token; null unless active. Only for a secret key', '^eyJ', 16_384)),
    ),
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
  expiresAt: expiresAt(),
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
    id: id('key', 'Id of the key'),
    name: nullable(line('Purpose of the key', 255)),
    type: oneOf('sk may write, pk may only read', ['sk', 'pk']),
    mode: oneOf('Mode of the apps that the key sees', ['live', 'test']),
    app: nullable(matching('Slug of the app that the key is bound to', appSlugPattern, 63)),
    prefix: Type.Unsafe<string>(
      oneOf('First characters of the secret', ['sk_live_', 'sk_test_', 'pk_live_', 'pk_test_']),
    ),
    lastFour: matching('Last four characters of the secret', '^[0-9A-Za-z]{4}$', 4),
    createdAt: instant('Time of creation'),
    expiresAt: nullable(instant('Time at which the key stops working')),
    revokedAt: nullable(instant('Time of the revocation')),
    lastUsedAt: nullable(instant('Time of the last use')),
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
    id: id('whd', 'Id of the delivery'),
    eventId: id('evt', 'The webhook-id of every attempt'),
    type: oneOf('Type of the event', Object.keys(eventTypes) as EventType[]),
    state: oneOf('State of the delivery; a failed one can be sent again', ['pending', 'delivered', 'failed']),
    attempts: count('Number of attempts'),
    lastStatus: nullable(count('HTTP status of the last attempt; null without a response', 100, 999)),
    lastError: nullable(line('Error of the last attempt', 255)),
    lastAttemptAt: nullable(instant('Time of the last attempt')),
    nextAttemptAt: nullable(instant('Time of the next attempt; null unless pending')),
    createdAt: instant('Time of the event'),
  }),
)

const health = view<{ status: 'ok' | 'error'; version: string; storage: 'ok' | 'error' }>()(
  object('Health of the server', {
    status: oneOf('error if storage does not respond', ['ok', 'error']),
    version: line('Version of Heartwood', 64),
    storage: oneOf('State of the storage', ['ok', 'error']),
  }),
)

/** The views by their names in the OpenAPI document. */
export const views: Readonly<Record<string, TObject>> = {
  ApiKey: apiKey.schema,
  App: app.schema,
  BulkRegeneration: bulk.schema,
  Customer: customer.schema,
  Feature: feature.schema,
  Health: health.schema,
  Jwks: jwks.schema,
  License: license.schema,
  Rotation: rotation.schema,
  Tier: tier.schema,
  TokenVerification: tokenVerification.schema,
  UnknownLicense: unknownLicense.schema,
  Verification: verification.schema,
  WebhookDelivery: delivery.schema,
  WebhookSecret: webhookSecret.schema,
}
