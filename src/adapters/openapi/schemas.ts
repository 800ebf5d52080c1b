import { eventTypes } from '../../core/runtime/events.ts'
import { errorCodes } from '../http/errors.ts'
import type { JsonSchema } from '../http/wire.ts'

const typeIdText = '[0-7][0-9a-hjkmnp-tv-z]{25}'
const slugPattern = '^[a-z0-9_]{1,63}$'

function text(description: string, maxLength = 1024): JsonSchema {
  return { type: 'string', description, maxLength }
}

/** Text of one form, which is as long as it may be. */
function formed(description: string, pattern: string, maxLength: number): JsonSchema {
  return { ...text(description, maxLength), pattern }
}

function id(prefix: string, description: string): JsonSchema {
  return formed(description, `^${prefix}_${typeIdText}$`, prefix.length + 27)
}

const slug = (description: string): JsonSchema => formed(description, slugPattern, 63)

function slugs(description: string, maxItems: number): JsonSchema {
  return { type: 'array', items: slug('A feature’s slug'), maxItems, description }
}

function count(description: string, minimum = 0, maximum: number = Number.MAX_SAFE_INTEGER): JsonSchema {
  const format = maximum < 2 ** 31 ? 'int32' : 'int64'
  return { type: 'integer', format, minimum, maximum, description }
}

const flag = (description: string): JsonSchema => ({ type: 'boolean', description })

/** Whole seconds in UTC, always spelled `2026-01-23T10:00:00Z`. */
const time = (description: string): JsonSchema => ({ ...text(description, 20), format: 'date-time' })

function choice(description: string, values: readonly string[]): JsonSchema {
  return { type: 'string', description, enum: values }
}

const pem = (description: string): JsonSchema => formed(description, '^-----BEGIN PUBLIC KEY-----\\n', 1024)
const metadata: JsonSchema = {
  type: 'object',
  additionalProperties: true,
  description: 'Given back as it came',
}
const timestamps = { created_at: time('When it was created'), updated_at: time('When it was last changed') }

function orNull(schema: JsonSchema): JsonSchema {
  const { description, ...rest } = schema
  return { description, anyOf: [rest, { type: 'null' }] }
}

/** An object with exactly these members; those named in `optional` may be absent. */
function object(
  description: string,
  members: Record<string, JsonSchema>,
  optional: string[] = [],
): JsonSchema {
  const required = Object.keys(members).filter((name) => !optional.includes(name))
  return { type: 'object', description, properties: members, required, additionalProperties: false }
}

const webhookAddress = text('Where license events are sent', 2048)
const about = orNull(text('What it is, for people', 2048))
const displayName = text('Display name', 255)
const appSlug = formed('Its name in addresses and the audience of its tokens', '^[a-z0-9-]{1,63}$', 63)
const status = choice('Revoked beats expired', ['active', 'expired', 'revoked'])
const expiresAt = orNull(time('When it ends; null for never'))
const installationId = formed(
  'The installation, a UUID in lower case',
  '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
  36,
)
/** The tier's features, at most 100, and the license's own, at most 50. */
const licenseFeatures = slugs('The tier’s features as they were at issue, then the custom ones', 150)

const app = object('An app', {
  id: id('app', 'Its id'),
  mode: choice('Mode of the key that created it', ['live', 'test']),
  name: displayName,
  slug: appSlug,
  description: about,
  webhook_url: orNull(webhookAddress),
  webhook_disabled_at: orNull(
    time('Since when nothing is sent there, for its failures; saving webhook_url switches it on again'),
  ),
  public_key_pem: pem('The active public key, RSA-4096, SubjectPublicKeyInfo in PEM'),
  ...timestamps,
})

const rotation = object('What the rotation did', {
  message: text('The same in words'),
  licenses_resigned: count(
    'Active licenses whose token is under the new key: tokens are derived from license and active key, never stored, so from the commit on this is every one',
  ),
  public_key_pem: pem('The new public key in PEM'),
})

const jwks = object('JWK Set (RFC 7517)', {
  keys: {
    type: 'array',
    description: 'The active key, then those in their grace period',
    maxItems: 1000,
    items: object('A public key', {
      kty: choice('Key type', ['RSA']),
      n: formed('Modulus', '^[A-Za-z0-9_-]+$', 683),
      e: formed('Exponent', '^[A-Za-z0-9_-]+$', 8),
      kid: formed('Thumbprint (RFC 7638)', '^[A-Za-z0-9_-]+$', 43),
      alg: choice('Algorithm', ['RS256']),
      use: choice('What it is for', ['sig']),
    }),
  },
})

const feature = object('A feature', {
  id: id('feat', 'Its id'),
  name: displayName,
  slug: slug('Its name in tokens'),
  description: about,
  ...timestamps,
})

const tier = object('A tier', {
  id: id('tier', 'Its id'),
  name: displayName,
  slug: slug('Its name in tokens'),
  description: about,
  position: count('Order in lists, lower first', 0, 1_000_000),
  features: slugs('Feature slugs, in the order of adding', 100),
  ...timestamps,
})

const customer = object('A customer', {
  id: id('cus', 'Its id'),
  email: text('E-mail address', 254),
  name: orNull(text('Name', 255)),
  external_id: orNull(text('What the vendor’s own system calls them', 255)),
  metadata,
  ...timestamps,
})

const license = object(
  'A license',
  {
    id: id('lic', 'Its id'),
    installation_id: installationId,
    customer_id: id('cus', 'Who holds it'),
    tier_id: orNull(id('tier', 'Its tier; null once that was deleted')),
    tier: slug('The tier’s slug, as the token says it'),
    features: licenseFeatures,
    custom_features: slugs('Features of this license alone', 50),
    status,
    expires_at: expiresAt,
    revoked_at: orNull(time('When it was revoked')),
    revoked_reason: orNull(text('Why it was revoked')),
    issued_at: time('When its claims were issued: the token’s iat'),
    jti: formed(
      'The id of its token; only for a secret key',
      `^lic_${typeIdText}[0-9a-hjkmnp-tv-z]{32}$`,
      62,
    ),
    metadata,
    ...timestamps,
    token: orNull(formed('The license token; null unless active. Only for a secret key', '^eyJ', 16_384)),
  },
  ['jti', 'token'],
)

const bulk = object('What was regenerated', {
  licenses_regenerated: count('Active licenses regenerated'),
  skipped: object('Active licenses left alone, by reason', {
    missing_tier: count('Their tier was deleted'),
  }),
})

const verificationMembers = {
  status,
  tier: slug('The tier’s slug'),
  features: licenseFeatures,
  expires_at: expiresAt,
  installation_id: installationId,
  superseded: flag('There, and true, when a newer token has replaced the one shown'),
}

const verification = object(
  'Whether the license is good now',
  { valid: flag('Whether it is good'), ...verificationMembers },
  ['superseded'],
)

const tokenVerification = object(
  'Whether the token is good now',
  {
    valid: flag('Whether it is good'),
    code: orNull(choice('Why not', ['invalid_token', 'token_expired', 'license_revoked', 'not_found'])),
    reason: text('The same in words'),
    ...verificationMembers,
  },
  Object.keys(verificationMembers),
)

const unknownLicense = object('No such license', {
  valid: flag('false'),
  status: choice('not_found', ['not_found']),
})

const apiKey = object(
  'An API key',
  {
    id: id('key', 'Its id'),
    name: orNull(text('What it is for', 255)),
    type: choice('sk may write, pk only read', ['sk', 'pk']),
    mode: choice('Which apps it sees', ['live', 'test']),
    app: orNull(formed('Slug of the app it is bound to', '^[a-z0-9-]{1,63}$', 63)),
    prefix: choice('The secret’s first letters', ['sk_live_', 'sk_test_', 'pk_live_', 'pk_test_']),
    last_four: formed('The secret’s last four characters', '^[0-9A-Za-z]{4}$', 4),
    created_at: time('When it was made'),
    expires_at: orNull(time('When it stops working')),
    revoked_at: orNull(time('When it was revoked')),
    last_used_at: orNull(time('When it was last used')),
    secret: formed('The key itself: shown this once', '^[sp]k_(live|test)_', 44),
  },
  ['secret'],
)

const webhookSecret = object('What the app’s events are signed with', {
  secret: formed('As Standard Webhooks has it', '^whsec_[A-Za-z0-9+/=]{44}$', 50),
  previous_expires_at: orNull(time('Until when the secret before it signs as well; null when none does')),
})

const delivery = object('An event on its way to the webhook', {
  id: id('whd', 'Its id'),
  event_id: id('evt', 'The webhook-id of every attempt'),
  type: choice('What happened', Object.keys(eventTypes)),
  state: choice('failed: given up, and can be sent again', ['pending', 'delivered', 'failed']),
  attempts: count('How often it was tried'),
  last_status: orNull(count('The HTTP status of the last attempt; null when none came', 100, 999)),
  last_error: orNull(text('What was wrong with the last attempt', 255)),
  last_attempt_at: orNull(time('When it was last tried')),
  next_attempt_at: orNull(time('When it is tried next; null unless pending')),
  created_at: time('When the event happened'),
})

const health = object('How the server is', {
  status: choice('ok, or error when storage does not answer', ['ok', 'error']),
  version: text('Heartwood’s version', 64),
  storage: choice('Whether storage answers', ['ok', 'error']),
})

const pageMeta = object(
  'Where in the list this page is',
  {
    total: count('How many there are in all; absent when walking by cursor'),
    page: count('Page number, from 1; absent when walking by cursor', 1, 1_000_000_000),
    per_page: count('At most so many items a page', 1, 100),
    next_cursor: orNull(text('Where the list goes on; null on the last page', 512)),
  },
  ['total', 'page'],
)

const error = object('What went wrong', {
  error: object(
    'The error',
    {
      code: choice('For a program; never changes its meaning', Object.keys(errorCodes)),
      message: text('For people'),
      details: {
        type: 'object',
        description: 'The fields at fault, each with the rules it breaks',
        additionalProperties: { type: 'array', maxItems: 16, items: text('A rule', 255) },
      },
    },
    ['details'],
  ),
})

const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` })

/** Every schema that has a name in the document. */
export const namedSchemas: Readonly<Record<string, JsonSchema>> = {
  ApiKey: apiKey,
  App: app,
  BulkRegeneration: bulk,
  Customer: customer,
  Error: error,
  Feature: feature,
  Health: health,
  Jwks: jwks,
  License: license,
  PageMeta: pageMeta,
  Rotation: rotation,
  Tier: tier,
  TokenVerification: tokenVerification,
  UnknownLicense: unknownLicense,
  Verification: verification,
  WebhookDelivery: delivery,
  WebhookSecret: webhookSecret,
}

export const apiKeySchema: JsonSchema = ref('ApiKey')
export const appSchema: JsonSchema = ref('App')
export const bulkSchema: JsonSchema = ref('BulkRegeneration')
export const customerSchema: JsonSchema = ref('Customer')
export const deliverySchema: JsonSchema = ref('WebhookDelivery')
export const errorSchema: JsonSchema = ref('Error')
export const featureSchema: JsonSchema = ref('Feature')
export const healthSchema: JsonSchema = ref('Health')
export const jwksSchema: JsonSchema = ref('Jwks')
export const licenseSchema: JsonSchema = ref('License')
/** What is answered raw: see `application/x-pem-file`. */
export const pemSchema: JsonSchema = pem('SubjectPublicKeyInfo in PEM')
export const rotationSchema: JsonSchema = ref('Rotation')
export const tierSchema: JsonSchema = ref('Tier')
export const tokenVerificationSchema: JsonSchema = ref('TokenVerification')
export const verificationSchema: JsonSchema = ref('Verification')
export const webhookSecretSchema: JsonSchema = ref('WebhookSecret')

export const batchSchema: JsonSchema = object('By what was asked for', {
  results: {
    type: 'object',
    description: 'One member for each thing asked for',
    maxProperties: 100,
    additionalProperties: { anyOf: [verificationSchema, ref('UnknownLicense')] },
  },
})

/** `{"data": …}` */
export function dataOf(schema: JsonSchema): JsonSchema {
  return object('The answer', { data: schema })
}

/** `{"data": […], "meta": …}` */
export function pageOf(schema: JsonSchema): JsonSchema {
  const data = { type: 'array', items: schema, maxItems: 100, description: 'The page' }
  return object('The answer', { data, meta: ref('PageMeta') })
}
