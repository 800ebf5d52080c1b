import { Type } from '@sinclair/typebox'
import { flag } from '../../core/input/fields.ts'
import { input, invalidInput, type Input } from '../../core/input/parse.ts'
import { bulkRegeneration } from '../../core/licenses/regenerate.ts'
import { licenseExample } from '../openapi/examples.ts'
import { one } from '../http/reply.ts'
import { checked, route, type Route } from '../http/route.ts'
import { bulkSchema, dataOf, regeneratedLicenseSchema } from '../openapi/schemas.ts'

const tag = 'Licenses'

interface RegenerationBody {
  readonly invalidatePrevious?: boolean
  readonly currentToken?: unknown
}

/** The token is a credential, not a field with a rule: a malformed one gets 401, not 422. */
const regenerationBody: Input<RegenerationBody> = input<RegenerationBody>()(
  Type.Object({
    invalidatePrevious: Type.Optional(flag('Refuse every earlier token; requires a secret key')),
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
    counts: 'renew',
    notesClient: true,
    tag,
    operationId: 'regenerateLicense',
    summary: 'Regenerate a license token',
    description:
      'Issues new claims, with the tier’s present features and then the custom ones. Send a secret key, or no key and current_token: any unexpired token of the license under an accepted key. With a secret key, invalidate_previous refuses every earlier token. A renewal by token sets seen_at, seen_kid and seen_client.',
    body: checked(regenerationBody),
    bodyExample: { current_token: 'eyJhbGciOiJSUzI1NiIs…' },
    responses: {
      200: {
        description:
          'The license with its new token; to the holder of current_token without the vendor’s own fields',
        schema: dataOf(regeneratedLicenseSchema),
        example: { data: licenseExample },
      },
    },
    signs: ['active', 'expired'],
    errors: [
      'invalid_token',
      'token_expired',
      'token_mismatch',
      'license_revoked',
      'license_released',
      'missing_tier',
    ],
    run: async ({ licensing: { licenses }, request, app, credential, params, body, consumeLimit }) => {
      const { id = '' } = params
      const { currentToken: _currentToken, ...options } = body
      if (credential.kind !== 'token') return licenses.regenerate(app, id, options)
      if (options.invalidatePrevious !== undefined)
        throw invalidInput({ invalidatePrevious: ['requires a secret key (sk_*)'] })
      return licenses.renew(app, id, credential.token, {
        admit: async (license) => void consumeLimit?.('renewalPerLicense', license),
        client: request.headers.get('heartwood-client') ?? '',
      })
    },
    respond: one,
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/licenses/regenerate',
    access: 'licenses:write',
    tag,
    operationId: 'regenerateLicenses',
    summary: 'Regenerate many licenses',
    description:
      'All active licenses, or those of a tier or customer. Each page is one transaction, and repeating the request is safe.',
    body: bulkRegeneration,
    bodyExample: { tier_id: 'pro' },
    responses: {
      200: {
        description: 'The counts',
        schema: dataOf(bulkSchema),
        example: { data: { licenses_regenerated: 42, skipped: { missing_tier: 0 } } },
      },
    },
    run: ({ licensing, app, body }) => licensing.licenses.regenerateAll(app, body),
    respond: one,
  }),
]
