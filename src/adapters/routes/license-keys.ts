import { Type } from '@sinclair/typebox'
import { oneOf, text } from '../../core/input/fields.ts'
import { input, type Input } from '../../core/input/parse.ts'
import {
  licenseKeyChanges,
  licenseKeyQuery,
  licenseKeyRoll,
  newLicenseKey,
  sale,
  seatExceptions,
} from '../../core/license-keys/input.ts'
import type { SyncedLicenseKey } from '../../core/license-keys/sales.ts'
import type { LicenseKey } from '../../core/license-keys/view.ts'
import { revocation } from '../../core/licenses/input.ts'
import type { Permission } from '../../core/principal.ts'
import { created, json, many, noContent, one, type Reply } from '../http/reply.ts'
import { checked, route, type Route } from '../http/route.ts'
import { toWire } from '../http/wire.ts'
import {
  licenseKeyExample,
  licenseKeyWithTextExample,
  pageExample,
  saleExample,
} from '../openapi/examples.ts'
import { explainMissing } from './customers.ts'
import { dataOf, licenseKeySchema, pageOf, releasedSeatsSchema, syncedSchema } from '../openapi/schemas.ts'

const tag = 'License keys'
const base = '/apps/:slug/license-keys'

interface Inclusion {
  readonly include?: 'key'
}

interface ByExternalId extends Inclusion {
  readonly externalId: string
}

const inclusion = { include: Type.Optional(oneOf('Adds the text of the license key', ['key'])) }
const withInclusion: Input<Inclusion> = input<Inclusion>()(Type.Object(inclusion))
const byExternalId: Input<ByExternalId> = input<ByExternalId>()(
  Type.Object({ externalId: text('The exact external id', 1, 255), ...inclusion }),
)

/** A text is shown to a key that may reveal it. */
function permissionFor({ include }: Readonly<Record<string, unknown>>): Permission {
  return include === 'key' ? 'license_keys:reveal' : 'license_keys:read'
}

const licenseKeyResponse = {
  description: 'The license key',
  schema: dataOf(licenseKeySchema),
  example: { data: licenseKeyExample },
}
const withText = {
  description: 'The license key with its text',
  schema: dataOf(licenseKeySchema),
  example: { data: licenseKeyWithTextExample },
}

/** The state of a sale: 201 if it made the license key. */
function synced(outcome: SyncedLicenseKey): Reply {
  const { customerConflict, ...licenseKey } = outcome
  return json(
    { data: toWire(licenseKey), meta: toWire({ customerConflict }) },
    licenseKey.created ? 201 : 200,
  )
}

const readRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: base,
    access: 'license_keys:read',
    tag,
    operationId: 'listLicenseKeys',
    summary: 'List license keys',
    description: 'Newest first. With a secret key, include=key adds their texts.',
    query: licenseKeyQuery,
    responses: {
      200: {
        description: 'A page of license keys',
        schema: pageOf(licenseKeySchema),
        example: pageExample(licenseKeyExample),
      },
    },
    permission: permissionFor,
    run: ({ licensing, app, query }) => licensing.licenseKeys.list(app, query),
    respond: many,
  }),
  route({
    method: 'GET',
    path: `${base}/by-external-id`,
    access: 'license_keys:read',
    tag,
    operationId: 'getLicenseKeyByExternalId',
    summary: 'Get a license key by external id',
    description: 'The external id is the sale in your shop. With a secret key, include=key adds the text.',
    query: checked(byExternalId),
    responses: { 200: licenseKeyResponse },
    permission: permissionFor,
    run: ({ licensing: { licenseKeys }, app, query: { externalId, include } }): Promise<LicenseKey> => {
      const found: Promise<LicenseKey> =
        include === undefined
          ? licenseKeys.getByExternalId(app, externalId)
          : licenseKeys.getByExternalId(app, externalId, { include })
      return found.catch(explainMissing(externalId))
    },
    respond: one,
  }),
  route({
    method: 'GET',
    path: `${base}/:id`,
    access: 'license_keys:read',
    tag,
    operationId: 'getLicenseKey',
    summary: 'Get a license key',
    description:
      'One license key by id. With a secret key, include=key adds its text. List its seats with the filter license_key_id of licenses.',
    query: checked(withInclusion),
    responses: { 200: licenseKeyResponse },
    permission: permissionFor,
    run: ({ licensing, app, params: { id = '' }, query: { include } }): Promise<LicenseKey> =>
      include === undefined
        ? licensing.licenseKeys.get(app, id)
        : licensing.licenseKeys.get(app, id, { include }),
    respond: one,
  }),
]

const writeRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: base,
    access: 'license_keys:write',
    tag,
    operationId: 'createLicenseKey',
    summary: 'Sell a license key',
    description:
      'Send exactly one of duration_days, expires_at and forever. Mail the text, key, to your customer: it is derived and never stored. starts: activation begins duration_days with the first activation.',
    body: newLicenseKey,
    bodyExample: {
      customer_id: 'cus_01kfnb4zd5fd8rh1b9p2xj3t6y',
      tier_id: 'pro',
      seats: 2,
      duration_days: 365,
    },
    responses: { 201: withText },
    showsLicenseKey: true,
    errors: ['conflict'],
    run: ({ licensing, app, body }) => licensing.licenseKeys.create(app, body),
    respond: created,
  }),
  route({
    method: 'PUT',
    path: `${base}/:id`,
    access: 'license_keys:write',
    tag,
    operationId: 'updateLicenseKey',
    summary: 'Change a license key',
    description:
      'An absent field is unchanged, and null clears it; lists and metadata are replaced as a whole. A change to a claim regenerates all its seats. Fewer seats than are taken throw nobody out. On a revoked license key only name and metadata may change.',
    body: licenseKeyChanges,
    bodyExample: { seats: 5 },
    responses: { 200: licenseKeyResponse },
    errors: ['conflict', 'license_key_revoked', 'missing_tier'],
    run: ({ licensing, app, params, body }) => licensing.licenseKeys.update(app, params.id ?? '', body),
    respond: one,
  }),
  route({
    method: 'DELETE',
    path: `${base}/:id`,
    access: 'license_keys:delete',
    tag,
    operationId: 'deleteLicenseKey',
    summary: 'Delete a license key',
    description: 'Also deletes its seats. To end a license key and keep its record, revoke it.',
    responses: { 204: { description: 'Deleted' } },
    run: ({ licensing, app, params }) => licensing.licenseKeys.delete(app, params.id ?? ''),
    respond: noContent,
  }),
  route({
    method: 'POST',
    path: `${base}/sync`,
    access: 'license_keys:sync',
    tag,
    operationId: 'syncLicenseKey',
    summary: 'Tell how a sale stands',
    description:
      'Makes the license key of a sale, and its customer, or brings it to the state of the sale. Say how the sale stands at as_of, never what changed: a webhook may come twice, late and in any order. ended: refund or dispute revokes.',
    body: sale,
    bodyExample: saleExample,
    responses: {
      200: {
        description: 'The license key',
        schema: syncedSchema,
        example: syncedExampleOf(licenseKeyExample),
      },
      201: {
        description: 'The new license key with its text',
        schema: syncedSchema,
        example: syncedExampleOf(licenseKeyWithTextExample),
      },
    },
    showsLicenseKey: true,
    errors: ['conflict'],
    run: ({ licensing, app, body }) => licensing.licenseKeys.sync(app, body),
    respond: synced,
  }),
]

function syncedExampleOf(licenseKey: object): object {
  const isNew = licenseKey === licenseKeyWithTextExample
  return { data: { ...licenseKey, applied: true, created: isNew }, meta: { customer_conflict: false } }
}

const actionRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: `${base}/:id/roll`,
    access: 'license_keys:write',
    tag,
    operationId: 'rollLicenseKey',
    summary: 'Give a license key a new text',
    description:
      'The old text, and the key of your shop, die at once or work for overlap_days more. No installation notices.',
    body: licenseKeyRoll,
    bodyExample: { overlap_days: 14 },
    responses: { 200: withText },
    showsLicenseKey: true,
    run: ({ licensing, app, params, body }) => licensing.licenseKeys.roll(app, params.id ?? '', body),
    respond: one,
  }),
  route({
    method: 'POST',
    path: `${base}/:id/revoke`,
    access: 'license_keys:write',
    tag,
    operationId: 'revokeLicenseKey',
    summary: 'Revoke a license key',
    description: 'Ends the license key and all its seats immediately. Revoking it again changes nothing.',
    body: revocation,
    bodyExample: { reason: 'Refunded' },
    responses: { 200: licenseKeyResponse },
    run: ({ licensing, app, params, body }) => licensing.licenseKeys.revoke(app, params.id ?? '', body),
    respond: one,
  }),
  route({
    method: 'POST',
    path: `${base}/:id/reinstate`,
    access: 'license_keys:write',
    tag,
    operationId: 'reinstateLicenseKey',
    summary: 'Reinstate a revoked license key',
    description:
      'Undoes a revocation. Its seats come back, except those that you revoked one by one, and those whose installation has another license by now.',
    responses: { 200: licenseKeyResponse },
    run: ({ licensing, app, params }) => licensing.licenseKeys.reinstate(app, params.id ?? ''),
    respond: one,
  }),
  route({
    method: 'POST',
    path: `${base}/:id/release-all`,
    access: 'license_keys:write',
    tag,
    operationId: 'releaseAllSeats',
    summary: 'Give all seats back',
    description:
      'Except those of at most 100 licenses. It does not count as releases of the year. Each page is one transaction, and repeating the request is safe.',
    body: seatExceptions,
    bodyExample: { except: ['lic_01kfnb5vq2e8m8b0wd4y6c1s9r'] },
    responses: {
      200: {
        description: 'The number of seats',
        schema: dataOf(releasedSeatsSchema),
        example: { data: { released: 2 } },
      },
    },
    run: ({ licensing, app, params, body }) => licensing.licenseKeys.releaseAll(app, params.id ?? '', body),
    respond: one,
  }),
]

export const licenseKeyRoutes: readonly Route[] = [...readRoutes, ...writeRoutes, ...actionRoutes]
