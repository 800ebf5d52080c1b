import { Type, type TObject, type TSchema, type TUnsafe } from '@sinclair/typebox'
import type { ApiKey } from '../../core/api-keys/api-keys.ts'
import type { App } from '../../core/apps.ts'
import type { AuditEntry } from '../../core/audit/log.ts'
import type { Customer } from '../../core/customers.ts'
import type { Feature } from '../../core/features.ts'
import { appSlugPattern } from '../../core/ids.ts'
import { flag, instant, integer, limits, nullable, oneOf } from '../../core/input/fields.ts'
import { input } from '../../core/input/parse.ts'
import type { Rotation } from '../../core/keys/rotation.ts'
import type { SigningKey } from '../../core/keys/app-keys.ts'
import type { PublicJwk } from '../../core/keys/signing-keys.ts'
import { eventTypes, type EventType } from '../../core/runtime/events.ts'
import type { SearchResult } from '../../core/search.ts'
import type { Tier } from '../../core/tiers.ts'
import type { RetriedDeliveries } from '../../core/webhooks/retries.ts'
import type { WebhookDelivery, WebhookDeliveryDetail, WebhookSecret } from '../../core/webhooks/webhooks.ts'
import { apiKeyRecord } from '../../core/storage/api-keys.ts'
import { appRecord } from '../../core/storage/apps.ts'
import { auditEntryRecord } from '../../core/storage/audit-entries.ts'
import { customerRecord } from '../../core/storage/customers.ts'
import { deliveryRecord, type DeliveryAttempt } from '../../core/storage/deliveries.ts'
import { featureRecord } from '../../core/storage/features.ts'
import { signingKeyRecord } from '../../core/storage/signing-keys.ts'
import { tierRecord } from '../../core/storage/tiers.ts'
import type { TrustFile } from '../../core/token/statement.ts'
import { count, line, list, matching, object, pemText, recordFields, slugs } from './fields.ts'
import { diagnosisView } from './diagnosis-views.ts'
import { licenseKeyViews, type LicenseKeyViewName } from './license-key-views.ts'
import { licenseViews, type LicenseViewName } from './license-views.ts'
import { statisticsViews, type StatisticsViewName } from './statistics-views.ts'

function field<Value>(schema: TSchema): TUnsafe<Value> {
  return Type.Unsafe<Value>(schema)
}

/** Declares a response in core's names. The type checker holds the schema equal to core's interface. */
const view = input

const app = view<App>()(
  object('An app', {
    ...recordFields(appRecord, ['tokenSecret', 'recovery']),
    webhookDisabledAt: nullable(
      instant(
        'Time since which no events are sent, because of failures; saving webhook_url enables them again',
      ),
    ),
    webhookQueueFullAt: nullable(
      instant('Time since which new events are dropped, because the queue is full; null while it has room'),
    ),
    webhookDroppedEvents: count('Number of events that a full queue has dropped'),
    publicKeyPem: pemText('Active public key, RSA-4096, SubjectPublicKeyInfo in PEM'),
  }),
)

const kid = (description: string) => matching(description, '^[A-Za-z0-9_-]{43}$', 43)

const seenWithin = list(
  object('Licenses that were seen within some days', {
    days: count('Number of days', 1, 90),
    licenses: count('Number of licenses'),
  }),
  'For 1, 7, 30 and 90 days; each number includes those before it',
  4,
)

const impact = object(
  'Only of a dry run: when the active licenses were last seen, by their own renewal or activation',
  {
    acceptedUntil: instant('Time until which the server accepts tokens under the present key'),
    seenWithin,
    neverSeen: count('Number of licenses that were never seen'),
    keys: list(
      object('The licenses that were last seen under one key', {
        kid: kid('Thumbprint of the key'),
        licenses: count('Number of licenses'),
        seenWithin,
      }),
      'By the key under which a license was last seen',
      1000,
    ),
  },
)

const rotation = view<Rotation & { message: string }>()(
  object('The result of a key rotation', {
    message: line('The result for people', 1024),
    licensesResigned: count(
      'Number of active licenses, whose tokens are all under the new key: a token is derived from its license and the active key, and never stored',
    ),
    publicKeyPem: pemText('New public key in PEM'),
    impact: Type.Optional(impact),
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

const encoded = (description: string) => matching(description, '^[A-Za-z0-9_-]+$', 1024 * 1024)

const publicJwk = object('A public key', {
  kty: oneOf('Key type', ['RSA']),
  n: matching('Modulus', '^[A-Za-z0-9_-]+$', 2731),
  e: oneOf('Exponent', ['AQAB']),
})

const statementSignature = object('A signature of RFC 7515 section 7.2.1', {
  protected: encoded('Header: alg, typ keystatement+jwt, and the kid of the signer'),
  header: Type.Optional(object('Only for a recovery key', { jwk: publicJwk })),
  signature: encoded('RS256 signature'),
})

const trustFile = view<TrustFile>()(
  object('The statements about the signing keys of an app', {
    v: Type.Unsafe<1>(integer('Version of the form', 1, 1)),
    statements: list(
      object('A statement, as a JWS in General JSON Serialization', {
        payload: encoded('The statement, JSON in base64url'),
        signatures: list(
          statementSignature,
          'Signatures of keys that programs trust, and of the new key',
          64,
        ),
      }),
      'Every statement, oldest first',
      1_000_000,
    ),
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

const apiKey = view<ApiKey & { secret?: string }>()(
  object('An API key', {
    ...recordFields(apiKeyRecord, ['appId', 'hash']),
    type: oneOf('sk may write, pk may only read', ['sk', 'pk']),
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

const deliveryFields = {
  ...recordFields(deliveryRecord, ['appId', 'payload', 'priority', 'lastAttempts', 'dueAt', 'version']),
  type: oneOf('Type of the event', Object.keys(eventTypes) as EventType[]),
  lastStatus: nullable(count('HTTP status of the last attempt; null without a response', 100, 999)),
  lastError: nullable(line('Error of the last attempt', 255)),
  nextAttemptAt: nullable(instant('Time of the next attempt; null unless pending')),
}

const delivery = view<WebhookDelivery>()(object('The delivery of an event to the webhook', deliveryFields))

const deliveryDetail = view<WebhookDeliveryDetail>()(
  object('A delivery with its body and its last attempts', {
    ...deliveryFields,
    payload: deliveryRecord.schema.properties.payload as TUnsafe<string>,
    lastAttempts: deliveryRecord.schema.properties.lastAttempts as TUnsafe<readonly DeliveryAttempt[]>,
  }),
)

const retriedDeliveries = view<RetriedDeliveries>()(
  object('Deliveries that are sent again', {
    retried: count('Number of deliveries that are pending again'),
    hasMore: flag('True if failed ones may be left: then call again'),
  }),
)

const entryFields = auditEntryRecord.schema.properties

const auditEntry = view<AuditEntry>()(
  object('An act in the audit log', {
    ...recordFields(auditEntryRecord, [
      'appId',
      'createdAt',
      'actorType',
      'actorId',
      'actorLabel',
      'targetType',
      'targetId',
      'changes',
    ]),
    app: field<AuditEntry['app']>(entryFields.appId!),
    time: instant('Time of the act'),
    actor: object('The one who acted', {
      type: field<AuditEntry['actor']['type']>(entryFields.actorType!),
      id: field<string | null>(entryFields.actorId!),
      label: field<string | null>(entryFields.actorLabel!),
    }),
    target: object('The thing that was changed or shown', {
      type: field<string>(entryFields.targetType!),
      id: field<string | null>(entryFields.targetId!),
    }),
    changes: Type.Unsafe<AuditEntry['changes']>(
      Type.Object(
        {},
        {
          description: 'Each changed field with its value before and after; … for a value that is not kept',
          additionalProperties: Type.Array(Type.Unknown(), { minItems: 2, maxItems: 2 }),
        },
      ),
    ),
  }),
)

const searchResult = view<SearchResult>()(
  object('A record that the search found', {
    kind: oneOf('Noun', ['app', 'tier', 'feature', 'customer', 'license', 'license_key']),
    app: matching('Slug of its app', appSlugPattern, 63),
    id: line('Id of the record', 64),
    label: line('Text by which people know it', 1024),
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
  | LicenseKeyViewName
  | LicenseViewName
  | StatisticsViewName
  | 'ApiKey'
  | 'App'
  | 'AuditEntry'
  | 'Customer'
  | 'Diagnosis'
  | 'Feature'
  | 'Health'
  | 'Jwks'
  | 'RetriedDeliveries'
  | 'Rotation'
  | 'SearchResult'
  | 'SigningKey'
  | 'Tier'
  | 'TrustFile'
  | 'WebhookDelivery'
  | 'WebhookDeliveryDetail'
  | 'WebhookSecret'

/** The views by their names. */
export const views: Readonly<Record<ViewName, TObject>> = {
  ...licenseViews,
  ...licenseKeyViews,
  ...statisticsViews,
  ApiKey: apiKey.schema,
  App: app.schema,
  AuditEntry: auditEntry.schema,
  Customer: customer.schema,
  Diagnosis: diagnosisView,
  Feature: feature.schema,
  Health: health.schema,
  Jwks: jwks.schema,
  RetriedDeliveries: retriedDeliveries.schema,
  Rotation: rotation.schema,
  SearchResult: searchResult.schema,
  SigningKey: signingKey.schema,
  Tier: tier.schema,
  TrustFile: trustFile.schema,
  WebhookDelivery: delivery.schema,
  WebhookDeliveryDetail: deliveryDetail.schema,
  WebhookSecret: webhookSecret.schema,
}
