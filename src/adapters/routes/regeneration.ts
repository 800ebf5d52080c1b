import { Type } from '@sinclair/typebox'
import { flag } from '../../core/input/fields.ts'
import { input, invalidInput, type Input } from '../../core/input/parse.ts'
import { bulkRegeneration } from '../../core/licenses/regenerate.ts'
import { licenseExample } from '../openapi/examples.ts'
import { one, route, type Route } from '../http/route.ts'
import { bulkSchema, dataOf, licenseSchema } from '../openapi/schemas.ts'

const tag = 'Licenses'

interface RegenerationBody {
  readonly invalidatePrevious?: boolean
  readonly currentToken?: unknown
}

/** The token is judged as a credential, not as a field: anything but a good one is 401. */
const regenerationBody: Input<RegenerationBody> = input<RegenerationBody>()(
  Type.Object({
    invalidatePrevious: Type.Optional(flag('Refuse every earlier token; with a secret key only')),
    currentToken: Type.Optional(
      Type.Unknown({ description: 'The license’s own token, instead of an API key', examples: ['eyJ…'] }),
    ),
  }),
)

export const regenerationRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/apps/:slug/licenses/:id/regenerate',
    access: 'renewal',
    tag,
    operationId: 'regenerateLicense',
    summary: 'Regenerate a license token',
    description:
      'Issues the claims anew with the features the tier has now, united with the custom ones. With a secret key, or without any key and with current_token: any unexpired token of the license under an accepted key. invalidate_previous, with a secret key only, refuses every earlier token.',
    body: regenerationBody,
    bodyExample: { current_token: 'eyJhbGciOiJSUzI1NiIs…' },
    answers: {
      200: {
        description: 'The license with its new token',
        schema: dataOf(licenseSchema),
        example: { data: licenseExample },
      },
    },
    signs: ['active', 'expired'],
    errors: ['invalid_token', 'token_expired', 'token_mismatch', 'license_revoked', 'missing_tier'],
    run: async ({ licensing: { licenses }, app, principal, params: { id = '' }, body, charge }) => {
      const { currentToken, ...options } = regenerationBody.parse(body)
      if (principal !== null) return licenses.regenerate(app, id, options)
      if (options.invalidatePrevious !== undefined)
        throw invalidInput({ invalidatePrevious: ['requires a secret key (sk_*)'] })
      return licenses.renew(app, id, currentToken, {
        admit: (license) => charge('renewalPerLicense', license),
      })
    },
    answer: one,
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/licenses/regenerate',
    access: 'write',
    tag,
    operationId: 'regenerateLicenses',
    summary: 'Regenerate many licenses',
    description:
      'All active ones, or those of a tier or customer. In pages that are each one step; safe to repeat.',
    body: bulkRegeneration,
    bodyExample: { tier_id: 'pro' },
    answers: {
      200: {
        description: 'What was regenerated',
        schema: dataOf(bulkSchema),
        example: { data: { licenses_regenerated: 42, skipped: { missing_tier: 0 } } },
      },
    },
    run: ({ licensing, app, body }) => licensing.licenses.regenerateAll(app, body),
    answer: one,
  }),
]
