import type { JsonSchema } from './wire.ts'

const text = (description: string): JsonSchema => ({ type: 'string', description })
const texts = (description: string): JsonSchema => ({ type: 'array', items: { type: 'string' }, description })
const count = (description: string): JsonSchema => ({ type: 'integer', minimum: 0, description })
const flag = (description: string): JsonSchema => ({ type: 'boolean', description })
const time = (description: string): JsonSchema => ({ type: 'string', format: 'date-time', description })
const choice = (description: string, values: readonly string[]): JsonSchema => ({
  ...text(description),
  enum: values,
})
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

/** `{"data": …}` */
export function dataOf(schema: JsonSchema): JsonSchema {
  return object('The answer', { data: schema })
}

/** `{"data": […], "meta": …}` */
export function pageOf(schema: JsonSchema): JsonSchema {
  const meta = object(
    'Where in the list this page is',
    {
      total: count('How many there are in all; absent when walking by cursor'),
      page: count('Page number, from 1; absent when walking by cursor'),
      per_page: count('At most so many items a page'),
      next_cursor: orNull(text('Where the list goes on; null on the last page')),
    },
    ['total', 'page'],
  )
  return object('The answer', { data: { type: 'array', items: schema, description: 'The page' }, meta })
}

export const appSchema: JsonSchema = object('An app', {
  id: text('app_…'),
  mode: choice('Mode of the key that created it', ['live', 'test']),
  name: text('Display name'),
  slug: text('Its name in addresses and the audience of its tokens'),
  description: orNull(text('What it is')),
  webhook_url: orNull(text('Where license events are sent')),
  public_key_pem: text('The active public key, RSA-4096, SubjectPublicKeyInfo in PEM'),
  ...timestamps,
})

export const rotationSchema: JsonSchema = object('What the rotation did', {
  message: text('The same in words'),
  licenses_resigned: count(
    'Active licenses whose token is under the new key: tokens are derived from license and active key, never stored, so from the commit on this is every one',
  ),
  public_key_pem: text('The new public key in PEM'),
})

export const jwksSchema: JsonSchema = object('JWK Set (RFC 7517)', {
  keys: {
    type: 'array',
    description: 'The active key, then those in their grace period',
    items: object('A public key', {
      kty: text('RSA'),
      n: text('Modulus'),
      e: text('Exponent'),
      kid: text('Thumbprint (RFC 7638)'),
      alg: text('RS256'),
      use: text('sig'),
    }),
  },
})

export const featureSchema: JsonSchema = object('A feature', {
  id: text('feat_…'),
  name: text('Display name'),
  slug: text('Its name in tokens'),
  description: orNull(text('What it is')),
  ...timestamps,
})

export const tierSchema: JsonSchema = object('A tier', {
  id: text('tier_…'),
  name: text('Display name'),
  slug: text('Its name in tokens'),
  description: orNull(text('What it is')),
  position: count('Order in lists, lower first'),
  features: texts('Feature slugs, in the order of adding'),
  ...timestamps,
})

export const customerSchema: JsonSchema = object('A customer', {
  id: text('cus_…'),
  email: text('E-mail address'),
  name: orNull(text('Name')),
  external_id: orNull(text('What the vendor’s own system calls them')),
  metadata,
  ...timestamps,
})

const status = choice('Revoked beats expired', ['active', 'expired', 'revoked'])
const expiresAt = orNull(time('When it ends; null for never'))

export const licenseSchema: JsonSchema = object(
  'A license',
  {
    id: text('lic_…'),
    installation_id: text('The installation it is for, a UUID in lower case'),
    customer_id: text('Who holds it'),
    tier_id: orNull(text('Its tier; null once that was deleted')),
    tier: text('The tier’s slug, as the token says it'),
    features: texts('What the token says: the tier’s features, then the custom ones'),
    custom_features: texts('Features of this license alone'),
    status,
    expires_at: expiresAt,
    revoked_at: orNull(time('When it was revoked')),
    revoked_reason: orNull(text('Why it was revoked')),
    issued_at: time('When its claims were issued: the token’s iat'),
    jti: text('The id of its token; only for a secret key'),
    metadata,
    ...timestamps,
    token: orNull(text('The license token; null unless active. Only for a secret key')),
  },
  ['jti', 'token'],
)

export const bulkSchema: JsonSchema = object('What was regenerated', {
  licenses_regenerated: count('Active licenses regenerated'),
  skipped: object('Active licenses left alone, by reason', {
    missing_tier: count('Their tier was deleted'),
  }),
})

const verificationMembers = {
  status,
  tier: text('The tier’s slug'),
  features: texts('What the license may do'),
  expires_at: expiresAt,
  installation_id: text('The installation it is for'),
  superseded: flag('There, and true, when a newer token has replaced the one shown'),
}

export const verificationSchema: JsonSchema = object(
  'Whether the license is good now',
  { valid: flag('Whether it is good'), ...verificationMembers },
  ['superseded'],
)

export const tokenVerificationSchema: JsonSchema = object(
  'Whether the token is good now',
  {
    valid: flag('Whether it is good'),
    code: orNull(choice('Why not', ['invalid_token', 'token_expired', 'license_revoked', 'not_found'])),
    reason: text('The same in words'),
    ...verificationMembers,
  },
  Object.keys(verificationMembers),
)

const unknownSchema = object('No such license', {
  valid: flag('false'),
  status: choice('not_found', ['not_found']),
})

export const batchSchema: JsonSchema = object('By what was asked for', {
  results: {
    type: 'object',
    description: 'One member for each thing asked for',
    additionalProperties: { anyOf: [verificationSchema, unknownSchema] },
  },
})

export const apiKeySchema: JsonSchema = object(
  'An API key',
  {
    id: text('key_…'),
    name: orNull(text('What it is for')),
    type: choice('sk may write, pk only read', ['sk', 'pk']),
    mode: choice('Which apps it sees', ['live', 'test']),
    app: orNull(text('Slug of the app it is bound to')),
    prefix: text('The secret’s first letters'),
    last_four: text('The secret’s last four characters'),
    created_at: time('When it was made'),
    expires_at: orNull(time('When it stops working')),
    revoked_at: orNull(time('When it was revoked')),
    last_used_at: orNull(time('When it was last used')),
    secret: text('The key itself: shown this once'),
  },
  ['secret'],
)

export const healthSchema: JsonSchema = object('How the server is', {
  status: choice('ok, or error when storage does not answer', ['ok', 'error']),
  version: text('Heartwood’s version'),
  storage: choice('Whether storage answers', ['ok', 'error']),
})
