import { Type } from '@sinclair/typebox'
import { input, type Input } from '../../core/input/parse.ts'
import { batchReference, licenseReference } from '../../core/licenses/verify.ts'
import { verificationExample } from '../openapi/examples.ts'
import { json } from '../http/reply.ts'
import { one, route, type Route } from '../http/route.ts'
import { batchSchema, dataOf, tokenVerificationSchema, verificationSchema } from '../openapi/schemas.ts'
import { toWire } from '../http/wire.ts'

const tag = 'Verification'
const installationId = '7f2c1e0a-5b7d-4c0e-9a53-0d6f3f1b2c4d'

interface TokenBody {
  readonly token: string
}

const tokenBody: Input<TokenBody> = input<TokenBody>()(
  Type.Object({ token: Type.String({ description: 'A license token', rule: 'must be a string' }) }),
)

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
      'By installation_id, or by the jti of any token of the license, be it the newest or one that has been replaced.',
    query: licenseReference,
    answers: {
      200: {
        description: 'Whether it is good now',
        schema: dataOf(verificationSchema),
        example: { data: verificationExample },
      },
    },
    run: ({ licensing, app, query }) => licensing.verification.verify(app, query),
    answer: one,
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
      'Its signature and claims, and the license’s present state. Always 200: valid and code tell.',
    body: tokenBody,
    bodyExample: { token: 'eyJhbGciOiJSUzI1NiIs…' },
    answers: {
      200: {
        description: 'Whether it is good now',
        schema: dataOf(tokenVerificationSchema),
        example: { data: { ...verificationExample, code: null, reason: 'The license is active' } },
      },
    },
    run: ({ licensing, app, body }) => licensing.verification.verifyToken(app, tokenBody.parse(body).token),
    answer: one,
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
      'By installation_ids or by jtis. One that is not there has valid false and status not_found.',
    body: batchReference,
    bodyExample: { installation_ids: [installationId] },
    answers: {
      200: {
        description: 'By what was asked for',
        schema: dataOf(batchSchema),
        example: { data: { results: { [installationId]: verificationExample } } },
      },
    },
    run: ({ licensing, app, body }) => licensing.verification.verifyBatch(app, body),
    answer: (found) => {
      const results = Object.fromEntries(
        [...found].map(([asked, verification]) => [asked, toWire(verification)]),
      )
      return json({ data: { results } })
    },
  }),
]
