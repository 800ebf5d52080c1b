import { Type } from '@sinclair/typebox'
import { uuid } from '../../core/input/fields.ts'
import { input, type Input } from '../../core/input/parse.ts'
import {
  licenseChanges,
  licenseQuery,
  newLicense,
  reinstatement,
  revocation,
} from '../../core/licenses/input.ts'
import type { License } from '../../core/licenses/view.ts'
import { licenseExample, licenseFileExample, pageExample } from '../openapi/examples.ts'
import { created, many, noContent, one } from '../http/reply.ts'
import { checked, route, type Route } from '../http/route.ts'
import { dataOf, licenseFileSchema, licenseSchema, pageOf } from '../openapi/schemas.ts'

const tag = 'Licenses'
const licenseResponse = {
  description: 'The license',
  schema: dataOf(licenseSchema),
  example: { data: licenseExample },
}
const includeToken = { include: 'token' } as const

interface ByInstallation {
  readonly installationId: string
}

const byInstallation: Input<ByInstallation> = input<ByInstallation>()(
  Type.Object({ installationId: uuid('The installation, a UUID in any case') }),
)

const readRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/apps/:slug/licenses',
    access: 'licenses:read',
    tag,
    operationId: 'listLicenses',
    summary: 'List licenses',
    description:
      'Newest first, unless sort or a filter by time says otherwise: with expires_before or expires_after the earliest end comes first, with seen_before the last one seen, with created_after the newest (with status=expired the latest end). A filter leaves out licenses without the time. With a secret key, include=token adds the tokens; a page then has at most 20 licenses.',
    query: licenseQuery,
    responses: {
      200: {
        description: 'A page of licenses',
        schema: pageOf(licenseSchema),
        example: pageExample(licenseExample),
      },
    },
    permission: ({ include }) => (include === 'token' ? 'licenses:token' : 'licenses:read'),
    run: ({ licensing, app, query }) => licensing.licenses.list(app, query),
    respond: many,
  }),
  route({
    method: 'GET',
    path: '/apps/:slug/licenses/by-installation',
    access: 'licenses:read',
    tag,
    operationId: 'getLicenseByInstallation',
    summary: 'Get the license of an installation',
    description:
      'The license that occupies the installation’s slot: the active one, otherwise the last active one.',
    query: checked(byInstallation),
    responses: { 200: licenseResponse },
    run: ({ licensing, app, query: { installationId } }): Promise<License> =>
      licensing.may('licenses:token')
        ? licensing.licenses.getByInstallation(app, installationId, includeToken)
        : licensing.licenses.getByInstallation(app, installationId),
    respond: one,
  }),
  route({
    method: 'GET',
    path: '/apps/:slug/licenses/:id',
    access: 'licenses:read',
    tag,
    operationId: 'getLicense',
    summary: 'Get a license',
    description: 'One license by id or UUID. A secret key also gets its token, signed now.',
    responses: { 200: licenseResponse },
    run: ({ licensing, app, params: { id = '' } }): Promise<License> =>
      licensing.may('licenses:token')
        ? licensing.licenses.get(app, id, includeToken)
        : licensing.licenses.get(app, id),
    respond: one,
  }),
  route({
    method: 'GET',
    path: '/apps/:slug/licenses/:id/file',
    access: 'licenses:token',
    tag,
    operationId: 'getLicenseFile',
    summary: 'Get a license file',
    description:
      'The token of an active license with the statements about the signing keys, as text that survives mail. A program reads it like a token, also without a network.',
    responses: {
      200: {
        description: 'The license file',
        contentType: 'application/heartwood-license',
        schema: licenseFileSchema,
        example: licenseFileExample,
      },
    },
    errors: ['license_revoked', 'token_expired'],
    run: ({ licensing, app, params: { id = '' } }) => licensing.licenses.file(app, id),
    respond: (file) => ({
      status: 200,
      headers: { 'content-type': 'application/heartwood-license' },
      body: file,
    }),
  }),
]

const writeRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/apps/:slug/licenses',
    access: 'licenses:write',
    tag,
    operationId: 'createLicense',
    summary: 'Issue a license',
    description:
      'Send exactly one of duration_days, expires_at and forever. An installation has at most one active license in an app. A new license takes the slot of an expired or revoked one.',
    body: newLicense,
    bodyExample: {
      installation_id: '7f2c1e0a-5b7d-4c0e-9a53-0d6f3f1b2c4d',
      customer_id: 'cus_01kfnb4zd5fd8rh1b9p2xj3t6y',
      tier_id: 'pro',
      features: ['custom_integration'],
      duration_days: 365,
    },
    responses: { 201: licenseResponse },
    signs: ['active'],
    errors: ['conflict'],
    run: ({ licensing, app, body }) => licensing.licenses.create(app, body),
    respond: created,
  }),
  route({
    method: 'PUT',
    path: '/apps/:slug/licenses/:id',
    access: 'licenses:write',
    tag,
    operationId: 'updateLicense',
    summary: 'Change a license',
    description:
      'An absent field is unchanged; lists and metadata are replaced as a whole. A change to a claim regenerates the license. Only the metadata of a revoked license may change. The terms of a seat belong to its license key.',
    body: licenseChanges,
    bodyExample: { tier_id: 'enterprise' },
    responses: { 200: licenseResponse },
    errors: ['conflict', 'license_revoked', 'missing_tier'],
    run: ({ licensing, app, params, body }) => licensing.licenses.update(app, params.id ?? '', body),
    respond: one,
  }),
  route({
    method: 'DELETE',
    path: '/apps/:slug/licenses/:id',
    access: 'licenses:delete',
    tag,
    operationId: 'deleteLicense',
    summary: 'Delete a license',
    description: 'A deleted license cannot be restored. To end a license and keep its record, revoke it.',
    responses: { 204: { description: 'Deleted' } },
    run: ({ licensing, app, params }) => licensing.licenses.delete(app, params.id ?? ''),
    respond: noContent,
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/licenses/:id/revoke',
    access: 'licenses:write',
    tag,
    operationId: 'revokeLicense',
    summary: 'Revoke a license',
    description: 'Ends the license immediately. Revoking it again changes nothing.',
    body: revocation,
    bodyExample: { reason: 'Refunded' },
    responses: { 200: licenseResponse },
    run: ({ licensing, app, params, body }) => licensing.licenses.revoke(app, params.id ?? '', body),
    respond: (license) => one({ ...license, token: null }),
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/licenses/:id/reinstate',
    access: 'licenses:write',
    tag,
    operationId: 'reinstateLicense',
    summary: 'Reinstate a revoked license',
    description:
      'Undoes a revocation. The license takes the installation’s slot back, unless another active license occupies it. A seat takes a seat of its license key again. With invalidate_previous every earlier token is refused.',
    body: reinstatement,
    bodyExample: { invalidate_previous: true },
    responses: { 200: licenseResponse },
    signs: ['active'],
    errors: ['conflict', 'license_key_revoked', 'missing_tier', 'seat_limit_reached'],
    run: ({ licensing, app, params, body }) => licensing.licenses.reinstate(app, params.id ?? '', body),
    respond: one,
  }),
]

export const licenseRoutes: readonly Route[] = [...readRoutes, ...writeRoutes]
