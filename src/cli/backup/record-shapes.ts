import { Type, type TString } from '@sinclair/typebox'
import {
  appSlug,
  description,
  flag,
  instant,
  integer,
  metadata,
  name,
  nullable,
  oneOf,
  slug,
  slugs,
  text,
} from '../../core/input/fields.ts'
import type { IdPrefix } from '../../core/ids.ts'
import { input, type Input } from '../../core/input/parse.ts'
import type {
  ApiKeyRecord,
  AppRecord,
  CustomerRecord,
  DeliveryRecord,
  FeatureRecord,
  ExpiryNotice,
  LicenseRecord,
  SigningKeyRecord,
  TierRecord,
  WebhookRecord,
} from '../../core/storage/index.ts'
import type { Kind, Records } from './records.ts'

const counterEnd = 2 ** 32 - 1

function pattern(shape: string, rule: string): TString {
  return Type.String({ pattern: shape, rule })
}

function id(prefix: IdPrefix): TString {
  return pattern(`^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`, `must be an id of the form ${prefix}_…`)
}

const sealed = (): TString => pattern('^v1(\\.[A-Za-z0-9_-]+){3}$', 'must be sealed')
const times = () => ({ createdAt: instant(''), updatedAt: instant('') })
const counter = (least: number) => integer('', least, counterEnd)

const app: Input<AppRecord> = input<AppRecord>()(
  Type.Object({
    ...{ id: id('app'), mode: oneOf('', ['live', 'test']), name: name(), slug: appSlug() },
    description: description(),
    webhookUrl: nullable(text('', 1, 2048)),
    issuer: text('', 1, 255),
    tokenSecret: sealed(),
    ...times(),
  }),
)

const feature: Input<FeatureRecord> = input<FeatureRecord>()(
  Type.Object({
    ...{ id: id('feat'), appId: id('app'), name: name(), slug: slug(), description: description() },
    ...times(),
  }),
)

const tier: Input<TierRecord> = input<TierRecord>()(
  Type.Object({
    ...{ id: id('tier'), appId: id('app'), name: name(), slug: slug(), description: description() },
    position: integer('', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    features: slugs('', 10_000),
    ...times(),
  }),
)

const signingKey: Input<SigningKeyRecord> = input<SigningKeyRecord>()(
  Type.Object({
    kid: pattern('^[A-Za-z0-9_-]{43}$', 'must be a thumbprint of SHA-256 in base64url'),
    appId: id('app'),
    publicKeyPem: pattern('^-----BEGIN PUBLIC KEY-----\\n', 'must be a public key in PEM'),
    privateKey: nullable(sealed()),
    createdAt: instant(''),
    acceptedUntil: nullable(instant('')),
  }),
)

/** One character may fold to eighteen (NFKC). */
const customer: Input<CustomerRecord> = input<CustomerRecord>()(
  Type.Object({
    ...{ id: id('cus'), appId: id('app'), email: text('', 3, 320), foldedEmail: text('', 3, 320 * 18) },
    name: nullable(text('', 0, 255)),
    externalId: nullable(text('', 0, 255)),
    metadata: metadata(),
    ...times(),
  }),
)

const license: Input<LicenseRecord> = input<LicenseRecord>()(
  Type.Object({
    ...{ id: id('lic'), appId: id('app'), customerId: id('cus'), tierId: nullable(id('tier')) },
    ...{ tier: slug(), tierFeatures: slugs('', 10_000), customFeatures: slugs('', 10_000) },
    installationId: pattern('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', 'must be a UUID in lower case'),
    current: flag(''),
    ...{ expiresAt: nullable(instant('')), revokedAt: nullable(instant('')), issuedAt: instant('') },
    revokedReason: nullable(text('', 0, 1024)),
    ...{ revision: counter(1), minRevision: counter(0), version: integer('', 1, Number.MAX_SAFE_INTEGER) },
    metadata: metadata(),
    ...times(),
  }),
)

const notice: Input<ExpiryNotice> = input<ExpiryNotice>()(
  Type.Object({
    licenseId: id('lic'),
    type: oneOf('', ['license.expiring', 'license.expired']),
    expiresAt: instant(''),
  }),
)

const webhook: Input<WebhookRecord> = input<WebhookRecord>()(
  Type.Object({
    ...{ appId: id('app'), secret: sealed(), previousSecret: nullable(sealed()) },
    ...{ previousUntil: nullable(instant('')), disabledAt: nullable(instant('')) },
    ...{ failures: counter(0), version: integer('', 1, Number.MAX_SAFE_INTEGER) },
  }),
)

const delivery: Input<DeliveryRecord> = input<DeliveryRecord>()(
  Type.Object({
    ...{ id: id('whd'), appId: id('app'), eventId: id('evt'), type: text('', 1, 63) },
    payload: text('', 2, 65_536),
    priority: integer('', 0, 1),
    state: oneOf('', ['pending', 'delivered', 'failed']),
    attempts: counter(0),
    lastStatus: nullable(integer('', 0, 999)),
    lastError: nullable(text('', 0, 4096)),
    ...{ lastAttemptAt: nullable(instant('')), dueAt: nullable(instant('')), createdAt: instant('') },
    version: integer('', 0, Number.MAX_SAFE_INTEGER),
  }),
)

const apiKey: Input<ApiKeyRecord> = input<ApiKeyRecord>()(
  Type.Object({
    ...{ id: id('key'), name: nullable(text('', 0, 255)) },
    ...{ type: oneOf('', ['sk', 'pk']), mode: oneOf('', ['live', 'test']) },
    ...{ appId: nullable(id('app')), app: nullable(appSlug()) },
    hash: pattern('^[0-9a-f]{64}$', 'must be a SHA-256 in lower-case hexadecimal'),
    lastFour: text('', 4, 4),
    createdAt: instant(''),
    ...{
      expiresAt: nullable(instant('')),
      revokedAt: nullable(instant('')),
      lastUsedAt: nullable(instant('')),
    },
  }),
)

/** The form of each kind of record; a field that is missing, strange or of another type is refused by its name. */
export const recordShapes: { readonly [K in Kind]: Input<Records[K]> } = {
  ...{ app, feature, tier, signingKey, customer, license, notice, webhook, delivery, apiKey },
}
