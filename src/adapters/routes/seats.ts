import { Type } from '@sinclair/typebox'
import { uuid } from '../../core/input/fields.ts'
import { input, type Input } from '../../core/input/parse.ts'
import type { LicenseKeyCredential } from '../../core/license-keys/credential.ts'
import { newActivation, type NewActivation } from '../../core/license-keys/input.ts'
import type { Credential } from '../http/admission.ts'
import { created, json, one } from '../http/reply.ts'
import { checked, route, type Route } from '../http/route.ts'
import { toWire } from '../http/wire.ts'
import {
  activatedLicenseExample,
  licenseKeyText,
  licenseKeyVerificationExample,
  seatExample,
} from '../openapi/examples.ts'
import {
  activatedLicenseSchema,
  dataOf,
  licenseKeyVerificationSchema,
  releaseSchema,
  seatsSchema,
} from '../openapi/schemas.ts'

const tag = 'License keys'
const base = '/apps/:slug/license-keys'
const installationId = '7f2c1e0a-5b7d-4c0e-9a53-0d6f3f1b2c4d'

interface WithKey {
  readonly licenseKey: string
}

/** Admission has recognised the text already: a bad one gets 401 or a result, and never a rule. */
const ofLicenseKey = {
  licenseKey: Type.String({
    description: 'The text of the license key, as somebody typed it',
    maxLength: 1000,
    rule: 'must be a string',
  }),
}

const verificationBody: Input<WithKey> = input<WithKey>()(Type.Object(ofLicenseKey))

const activationBody: Input<NewActivation> = {
  schema: Type.Object({ ...ofLicenseKey, ...newActivation.schema.properties }),
  parse: (value) => {
    const { licenseKey: _licenseKey, ...activation } = Object(value) as WithKey
    return newActivation.parse(activation)
  },
}

interface SeatsBody extends WithKey {
  readonly installationId?: string
}

const seatsBody: Input<SeatsBody> = input<SeatsBody>()(
  Type.Object({
    ...ofLicenseKey,
    installationId: Type.Optional(uuid('The installation that asks, to mark its seat')),
  }),
)

interface ReleaseBody {
  readonly licenseKey?: unknown
  readonly currentToken?: unknown
}

const releaseBody: Input<ReleaseBody> = input<ReleaseBody>()(
  Type.Object({
    licenseKey: Type.Optional(
      Type.Unknown({ description: 'The text of the license key: it frees any of its seats' }),
    ),
    currentToken: Type.Optional(
      Type.Unknown({ description: 'A token of the license itself, looked at only without license_key' }),
    ),
  }),
)

/** The license key that was shown. Core takes `null` for a bad one. */
function shownKey(credential: Credential): LicenseKeyCredential | null {
  return credential.kind === 'licenseKey' ? credential.licenseKey : null
}

export const seatRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: `${base}/activate`,
    access: 'licenseKey',
    counts: 'activate',
    licenseKeyLimit: 'activationPerKey',
    notesClient: true,
    tag,
    operationId: 'activateInstallation',
    summary: 'Activate an installation',
    description:
      'Gives an installation a seat of the license key, or the one that it has, with a fresh token. So repeat it after a lost response. An active license of another license key makes way only if current_token is a token of it. A program that asks by itself sends renewal: a seat that was given back then stays free.',
    body: checked(activationBody),
    bodyExample: { license_key: licenseKeyText, installation_id: installationId, name: 'Ada’s laptop' },
    responses: {
      200: {
        description: 'The installation had the seat already',
        schema: dataOf(activatedLicenseSchema),
        example: { data: activatedLicenseExample },
      },
      201: {
        description: 'A seat was taken',
        schema: dataOf(activatedLicenseSchema),
        example: { data: activatedLicenseExample },
      },
    },
    errors: [
      'license_key_expired',
      'license_key_revoked',
      'license_released',
      'license_revoked',
      'missing_tier',
      'seat_limit_reached',
      'conflict',
    ],
    run: ({ licensing, request, app, credential, body }) =>
      licensing.licenseKeys.activate(app, shownKey(credential), body, {
        client: request.headers.get('heartwood-client') ?? '',
      }),
    respond: ({ license, created: isNew }) => (isNew ? created(license) : one(license)),
  }),
  route({
    method: 'POST',
    path: `${base}/verify`,
    access: 'anyLicenseKey',
    tag,
    operationId: 'verifyLicenseKey',
    summary: 'Verify a license key',
    description:
      'Tells if installations may be activated with it. The status is always 200, also for a text that nobody knows: read valid and code.',
    body: verificationBody,
    bodyExample: { license_key: licenseKeyText },
    responses: {
      200: {
        description: 'The result of the verification',
        schema: dataOf(licenseKeyVerificationSchema),
        example: { data: licenseKeyVerificationExample },
      },
    },
    run: ({ licensing, app, credential, body }) => {
      const licenseKey = shownKey(credential)
      if (licenseKey !== null) verificationBody.parse(body)
      return licensing.licenseKeys.verify(app, licenseKey)
    },
    respond: one,
  }),
  route({
    method: 'POST',
    path: `${base}/seats`,
    access: 'licenseKey',
    licenseKeyLimit: 'seatsPerKey',
    tag,
    operationId: 'listSeats',
    summary: 'List the seats of a license key',
    description:
      'All taken seats, for a dialog in the program that lets people choose which one to release. It has no pages.',
    body: checked(seatsBody),
    bodyExample: { license_key: licenseKeyText, installation_id: installationId },
    responses: {
      200: { description: 'The taken seats', schema: seatsSchema, example: { data: [seatExample] } },
    },
    run: ({ licensing, app, credential, body: { licenseKey: _licenseKey, ...options } }) =>
      licensing.licenseKeys.seats(app, shownKey(credential), options),
    respond: (seats) => json({ data: seats.map(toWire) }),
  }),
  route({
    method: 'POST',
    path: '/apps/:slug/licenses/:id/release',
    access: 'release',
    licenseKeyLimit: 'seatsPerKey',
    tag,
    operationId: 'releaseSeat',
    summary: 'Give a seat back',
    description:
      'Send a secret key, or no key and license_key or current_token. The license is revoked with the cause released, and its place is free. A release by its holder counts as one of the year; repeated, it changes nothing.',
    body: checked(releaseBody),
    bodyExample: { license_key: licenseKeyText },
    responses: {
      200: {
        description: 'The seat is free',
        schema: dataOf(releaseSchema),
        example: { data: { released: true, releases_left: 11 } },
      },
    },
    errors: ['invalid_token', 'invalid_license_key', 'token_mismatch', 'release_limit_reached', 'conflict'],
    run: ({ licensing: { licenseKeys }, app, params: { id = '' }, credential }) => {
      if (credential.kind === 'licenseKey')
        return licenseKeys.release(app, id, { licenseKey: credential.licenseKey })
      if (credential.kind === 'token') return licenseKeys.release(app, id, { currentToken: credential.token })
      return licenseKeys.release(app, id)
    },
    respond: one,
  }),
]
