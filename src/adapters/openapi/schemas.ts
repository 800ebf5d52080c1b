import { Type, type TSchema } from '@sinclair/typebox'
import { slugPattern } from '../../core/ids.ts'
import { flag, instant, integer, nullable, oneOf } from '../../core/input/fields.ts'
import { errorCodes } from '../http/errors.ts'
import type { JsonSchema } from '../http/wire.ts'

import { line, matching, object, pemText } from './fields.ts'
import { responseSchema } from './json-schema.ts'
import { views } from './views.ts'

const pageMeta = object('Position of the page in the list', {
  total: Type.Optional(integer('Number of all items; absent with a cursor', 0, Number.MAX_SAFE_INTEGER)),
  page: Type.Optional(integer('Page number, from 1; absent with a cursor', 1, 1_000_000_000)),
  perPage: integer('Maximum number of items on a page', 1, 100),
  nextCursor: nullable(line('Cursor of the next page; null on the last page', 512)),
})

const details = Type.Object(
  {},
  {
    description: 'The rules that the request breaks, by field',
    additionalProperties: Type.Array(line('A rule', 1000), { maxItems: 16 }),
  },
)

const error = object('An error response', {
  error: object('The error', {
    code: oneOf('For programs; a code never changes its meaning', Object.keys(errorCodes)),
    message: line('For people', 1024),
    details: Type.Optional(details),
  }),
})

function jsonSchemas(schemas: Readonly<Record<string, TSchema>>): Readonly<Record<string, JsonSchema>> {
  const entries = Object.entries(schemas).map(([name, schema]) => [name, responseSchema(schema)] as const)
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** Every schema that has a name in the document, in alphabetical order. */
export const namedSchemas: Readonly<Record<string, JsonSchema>> = {
  ...jsonSchemas({ ...views, Error: error, PageMeta: pageMeta }),
  Limits: {
    type: 'object',
    description: 'Numbers by slug',
    additionalProperties: false,
    patternProperties: {
      [slugPattern]: { type: 'integer', format: 'int64', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    },
  },
}

const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` })

export const activatedLicenseSchema: JsonSchema = ref('ActivatedLicense')
export const apiKeySchema: JsonSchema = ref('ApiKey')
export const appSchema: JsonSchema = ref('App')
export const auditEntrySchema: JsonSchema = ref('AuditEntry')
export const bulkSchema: JsonSchema = ref('BulkRegeneration')
export const customerSchema: JsonSchema = ref('Customer')
export const deliverySchema: JsonSchema = ref('WebhookDelivery')
export const deliveryDetailSchema: JsonSchema = ref('WebhookDeliveryDetail')
export const diagnosisSchema: JsonSchema = ref('Diagnosis')
export const errorSchema: JsonSchema = ref('Error')
export const featureSchema: JsonSchema = ref('Feature')
export const healthSchema: JsonSchema = ref('Health')
export const jwksSchema: JsonSchema = ref('Jwks')
export const licenseSchema: JsonSchema = ref('License')
export const licenseKeySchema: JsonSchema = ref('LicenseKey')
export const licenseKeyVerificationSchema: JsonSchema = ref('LicenseKeyVerification')
/** The license as a secret key sees it, or as the holder of its token does. */
export const regeneratedLicenseSchema: JsonSchema = { oneOf: [ref('License'), ref('HeldLicense')] }
/** Raw text, see `application/x-pem-file`. */
export const pemSchema: JsonSchema = responseSchema(pemText('SubjectPublicKeyInfo in PEM'))
/** Raw text, see `application/heartwood-license`. */
export const licenseFileSchema: JsonSchema = responseSchema(
  matching('Armoured text', '^-----BEGIN HEARTWOOD LICENSE-----\\n', 256 * 1024),
)
export const releaseSchema: JsonSchema = ref('Release')
export const releasedSeatsSchema: JsonSchema = ref('ReleasedSeats')
export const retriedDeliveriesSchema: JsonSchema = ref('RetriedDeliveries')
export const rotationSchema: JsonSchema = ref('Rotation')
export const signingKeySchema: JsonSchema = ref('SigningKey')
export const statsSchema: JsonSchema = ref('Stats')
export const statusSchema: JsonSchema = ref('Status')
export const tierSchema: JsonSchema = ref('Tier')
export const trustFileSchema: JsonSchema = ref('TrustFile')
export const tokenVerificationSchema: JsonSchema = ref('TokenVerification')
export const verificationSchema: JsonSchema = ref('Verification')
export const webhookSecretSchema: JsonSchema = ref('WebhookSecret')

const results = Type.Object(
  {},
  {
    description: 'One member for each installation id or jti of the request',
    maxProperties: 100,
    additionalProperties: Type.Unsafe({ anyOf: [verificationSchema, ref('UnknownLicense')] }),
  },
)

/** The link that signs a person in to the dashboard. */
export const invitationSchema: JsonSchema = responseSchema(
  object('An invitation to the dashboard', {
    url: line('Signs in whoever opens it first', 2048),
    expiresAt: instant('Ten minutes later'),
  }),
)

export const batchSchema: JsonSchema = responseSchema(object('The results of a batch', { results }))

/** `{"data": …}` */
export function dataOf(schema: JsonSchema): JsonSchema {
  return responseSchema(object('The response', { data: Type.Unsafe(schema) }))
}

/** `{"data": […], "meta": …}` */
export function pageOf(schema: JsonSchema): JsonSchema {
  const data = Type.Array(Type.Unsafe(schema), { description: 'The items of the page', maxItems: 100 })
  const meta = Type.Unsafe(ref('PageMeta'))
  return responseSchema(object('The response', { data, meta }))
}

/** `{"data": […]}`: the seats are too few for pages. */
export const seatsSchema: JsonSchema = responseSchema(
  object('The response', {
    data: Type.Array(Type.Unsafe(ref('Seat')), { description: 'All taken seats', maxItems: 10_000 }),
  }),
)

/** `{"data": […]}`: a search has no pages. */
export const searchResultsSchema: JsonSchema = responseSchema(
  object('The response', {
    data: Type.Array(Type.Unsafe(ref('SearchResult')), { description: 'The records', maxItems: 20 }),
  }),
)

const saleMeta = object('Facts about the sale', {
  customerConflict: flag(
    'True if its e-mail and its external id belong to two customers; the one with the external id holds the license key',
  ),
})

/** The license key of a sale. */
export const syncedSchema: JsonSchema = responseSchema(
  object('The response', { data: Type.Unsafe(ref('LicenseKey')), meta: saleMeta }),
)
