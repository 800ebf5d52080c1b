import { Type } from '@sinclair/typebox'
import { input, type Input } from '../../core/input/parse.ts'
import {
  batchReference,
  licenseReference,
  releasedAt,
  type TokenVerification,
} from '../../core/licenses/verify.ts'
import { verificationExample } from '../openapi/examples.ts'
import { json, type Reply } from '../http/reply.ts'
import { checked, route, type Route } from '../http/route.ts'
import { batchSchema, dataOf, tokenVerificationSchema, verificationSchema } from '../openapi/schemas.ts'
import { isoTime, toWire } from '../http/wire.ts'
import type { SnakeCase } from '../../core/wire.ts'

const tag = 'Verification'
const installationId = '7f2c1e0a-5b7d-4c0e-9a53-0d6f3f1b2c4d'

/** The type checker asks for every field of a verification. */
type WireName = SnakeCase<keyof TokenVerification>

interface TokenBody {
  readonly token: string
  readonly releasedAt?: number
}

const tokenBody: Input<TokenBody> = input<TokenBody>()(
  Type.Object({
    token: Type.String({ description: 'A license token', rule: 'must be a string' }),
    releasedAt: Type.Optional(releasedAt()),
  }),
)

/**
 * As `toWire`, with each name written out, because to look up nine names costs as much as to find the license. `JSON.stringify`
 * leaves out the fields that are `undefined`.
 */
export function verificationToWire(found: Partial<TokenVerification>): Record<WireName, unknown> {
  return {
    valid: found.valid,
    status: found.status,
    tier: found.tier,
    features: found.features,
    limits: found.limits,
    expires_at: timeToWire(found.expiresAt),
    updates_until: timeToWire(found.updatesUntil),
    installation_id: found.installationId,
    superseded: found.superseded,
    code: found.code,
    reason: found.reason,
  }
}

function timeToWire(seconds: number | null | undefined): string | null | undefined {
  return typeof seconds === 'number' ? isoTime(seconds) : seconds
}

function verificationReply(found: Partial<TokenVerification>): Reply {
  return json({ data: verificationToWire(found) })
}

export const verificationRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/apps/:slug/licenses/verify',
    access: 'public',
    limit: 'verify',
    tag,
    operationId: 'verifyLicense',
    summary: 'Verify a license',
    description:
      'By installation_id, or by the jti of any token of the license, the newest one or an earlier one.',
    query: licenseReference,
    responses: {
      200: {
        description: 'The result of the verification',
        schema: dataOf(verificationSchema),
        example: { data: verificationExample },
      },
    },
    run: ({ licensing, app, query }) => licensing.verification.verifyDirectly(app, query),
    respond: verificationReply,
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/licenses/verify',
    access: 'public',
    limit: 'verify',
    tag,
    operationId: 'verifyToken',
    summary: 'Verify a license token',
    description:
      'Checks the token’s signature and claims and the license’s present state. The status is always 200: read valid and code. With released_at, a version beyond the license’s updates_until is version_not_covered.',
    body: checked(tokenBody),
    bodyExample: { token: 'eyJhbGciOiJSUzI1NiIs…' },
    responses: {
      200: {
        description: 'The result of the verification',
        schema: dataOf(tokenVerificationSchema),
        example: { data: { ...verificationExample, code: null, reason: 'The license is active' } },
      },
    },
    run: ({ licensing, app, body: { token, ...options } }) =>
      licensing.verification.verifyTokenDirectly(app, token, options),
    respond: verificationReply,
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/licenses/verify/batch',
    access: 'public',
    limit: 'batch',
    tag,
    operationId: 'verifyLicenses',
    summary: 'Verify up to 100 licenses',
    description:
      'By installation_ids or by jtis. A license that does not exist has valid false and status not_found.',
    body: batchReference,
    bodyExample: { installation_ids: [installationId] },
    responses: {
      200: {
        description: 'The results, by installation id or jti',
        schema: dataOf(batchSchema),
        example: { data: { results: { [installationId]: verificationExample } } },
      },
    },
    run: ({ licensing, app, body }) => licensing.verification.verifyBatch(app, body),
    respond: (found) => {
      const results = Object.fromEntries([...found].map(([id, verification]) => [id, toWire(verification)]))
      return json({ data: { results } })
    },
  }),
]
