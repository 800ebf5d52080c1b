import { Type } from '@sinclair/typebox'
import type { Principal } from '../../core/api-keys/principal.ts'
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
import { HttpError } from '../http/errors.ts'
import { licenseExample, pageExample } from '../openapi/examples.ts'
import { created, many, noContent, one, route, type Route } from '../http/route.ts'
import { dataOf, licenseSchema, pageOf } from '../openapi/schemas.ts'

const tag = 'Licenses'
const answers = {
  description: 'The license',
  schema: dataOf(licenseSchema),
  example: { data: licenseExample },
}
const includeToken = { include: 'token' } as const

const byInstallation: Input<{ installationId: string }> = input<{ installationId: string }>()(
  Type.Object({ installationId: uuid('The installation, a UUID in any case') }),
)

function isSecret(principal: Principal | null): boolean {
  return principal?.type === 'sk'
}

/** A `pk_` key sees neither token nor `jti`. */
function shownTo(principal: Principal | null, license: License): object {
  const { token: _token, jti: _jti, ...readable } = license
  return isSecret(principal) ? license : readable
}

const finding: readonly Route[] = [
  route({
    method: 'GET',
    path: '/apps/:slug/licenses',
    access: 'read',
    tag,
    operationId: 'listLicenses',
    summary: 'List licenses',
    description:
      'Newest first, without tokens unless a secret key asks with include=token, at most 20 a page.',
    query: licenseQuery,
    answers: {
      200: {
        description: 'A page of licenses',
        schema: pageOf(licenseSchema),
        example: pageExample(licenseExample),
      },
    },
    run: async ({ licensing, app, principal, query }) => {
      if (query.include === 'token' && !isSecret(principal))
        throw new HttpError('forbidden', 'Tokens require a secret key (sk_*)')
      return licensing.licenses.list(app, query)
    },
    answer: (listing, { principal }) =>
      many({ ...listing, data: listing.data.map((license) => shownTo(principal, license)) }),
  }),
  route({
    method: 'GET',
    path: '/apps/:slug/licenses/by-installation',
    access: 'read',
    tag,
    operationId: 'getLicenseByInstallation',
    summary: 'Get the license of an installation',
    description: 'The one that holds the installation’s place: the active one, else the last that was.',
    query: byInstallation,
    answers: { 200: answers },
    run: async ({ licensing: { licenses }, app, principal, query }): Promise<License> => {
      const { installationId } = byInstallation.parse(query)
      if (!isSecret(principal)) return licenses.getByInstallation(app, installationId)
      return licenses.getByInstallation(app, installationId, includeToken)
    },
    answer: (license, { principal }) => one(shownTo(principal, license)),
  }),
  route({
    method: 'GET',
    path: '/apps/:slug/licenses/:id',
    access: 'read',
    tag,
    operationId: 'getLicense',
    summary: 'Get a license',
    description: 'One license by id or UUID; with a secret key also its token, signed as of now.',
    answers: { 200: answers },
    run: ({ licensing: { licenses }, app, principal, params: { id = '' } }): Promise<License> =>
      isSecret(principal) ? licenses.get(app, id, includeToken) : licenses.get(app, id),
    answer: (license, { principal }) => one(shownTo(principal, license)),
  }),
]

const writing: readonly Route[] = [
  route({
    method: 'POST',
    path: '/apps/:slug/licenses',
    access: 'write',
    tag,
    operationId: 'createLicense',
    summary: 'Issue a license',
    description:
      'Exactly one of duration_days, expires_at and forever says when it ends. An installation has at most one active license in an app; an expired or revoked one is set aside.',
    body: newLicense,
    bodyExample: {
      installation_id: '7f2c1e0a-5b7d-4c0e-9a53-0d6f3f1b2c4d',
      customer_id: 'cus_01kfnb4zd5fd8rh1b9p2xj3t6y',
      tier_id: 'pro',
      features: ['custom_integration'],
      duration_days: 365,
    },
    answers: { 201: answers },
    signs: ['active'],
    errors: ['conflict'],
    run: ({ licensing, app, body }) => licensing.licenses.create(app, body),
    answer: created,
  }),
  route({
    method: 'PUT',
    path: '/apps/:slug/licenses/:id',
    access: 'write',
    tag,
    operationId: 'updateLicense',
    summary: 'Change a license',
    description:
      'Absent is unchanged; lists and metadata are replaced whole. A change to what the token says regenerates the license. On a revoked license only metadata may change.',
    body: licenseChanges,
    bodyExample: { tier_id: 'enterprise' },
    answers: { 200: answers },
    errors: ['conflict', 'license_revoked', 'missing_tier'],
    run: ({ licensing, app, params, body }) => licensing.licenses.update(app, params.id ?? '', body),
    answer: one,
  }),
  route({
    method: 'DELETE',
    path: '/apps/:slug/licenses/:id',
    access: 'write',
    tag,
    operationId: 'deleteLicense',
    summary: 'Delete a license',
    description: 'For good. To end one and keep its story, revoke it.',
    answers: { 204: { description: 'Deleted' } },
    run: ({ licensing, app, params }) => licensing.licenses.delete(app, params.id ?? ''),
    answer: noContent,
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/licenses/:id/revoke',
    access: 'write',
    tag,
    operationId: 'revokeLicense',
    summary: 'Revoke a license',
    description: 'Ends it at once. Revoking it again changes nothing.',
    body: revocation,
    bodyExample: { reason: 'Refunded' },
    answers: { 200: answers },
    run: ({ licensing, app, params, body }) => licensing.licenses.revoke(app, params.id ?? '', body),
    answer: (license) => one({ ...license, token: null }),
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/licenses/:id/reinstate',
    access: 'write',
    tag,
    operationId: 'reinstateLicense',
    summary: 'Reinstate a revoked license',
    description:
      'Undoes a revocation and takes the installation’s place back, unless another active license holds it. With invalidate_previous every earlier token is refused.',
    body: reinstatement,
    bodyExample: { invalidate_previous: true },
    answers: { 200: answers },
    signs: ['active'],
    errors: ['conflict', 'missing_tier'],
    run: ({ licensing, app, params, body }) => licensing.licenses.reinstate(app, params.id ?? '', body),
    answer: one,
  }),
]

export const licenseRoutes: readonly Route[] = [...finding, ...writing]
