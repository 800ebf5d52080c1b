import { Type } from '@sinclair/typebox'
import { authenticateToken, isOwnJti, type AuthenticToken } from './check-token.ts'
import { featuresOf } from './issue-token.ts'
import type { Context } from '../context.ts'
import { decide, statusOf } from '../token/decision.ts'
import { LicensingError } from '../errors.ts'
import { text, uuid } from '../input/fields.ts'
import { isUuid } from '../ids.ts'
import { input, invalidInput, isText, type Input } from '../input/parse.ts'
import { readJti } from '../token/jti.ts'
import { requireApp } from '../lookup.ts'
import type { AppRecord, LicenseRecord, NumericDate } from '../storage/index.ts'

/** Which license is meant: exactly one of the two. */
export interface LicenseReference {
  readonly installationId?: string
  /** The `jti` of any token of the license, the newest or one that has been replaced. */
  readonly jti?: string
}

/** Whether a license is good now, by its record. Times are whole seconds since 1970. */
export interface Verification {
  readonly valid: boolean
  readonly status: 'active' | 'expired' | 'revoked'
  readonly tier: string
  readonly features: readonly string[]
  /** `null` for a license without end. */
  readonly expiresAt: NumericDate | null
  readonly installationId: string
  /** There, and `true`, when the `jti` asked for has been replaced by a newer one. */
  readonly superseded?: true
}

/** Whether a token is good now: its signature and claims, and its license's present state. */
export interface TokenVerification extends Partial<Omit<Verification, 'valid'>> {
  readonly valid: boolean
  /** Why not; `null` when valid. */
  readonly code: 'invalid_token' | 'token_expired' | 'license_revoked' | 'not_found' | null
  /** The same in words. */
  readonly reason: string
}

/** Up to 100 licenses to look up at once: one of the two lists. */
export interface BatchReference {
  readonly installationIds?: readonly string[]
  readonly jtis?: readonly string[]
}

/** What a batch answers for a license that is not there. */
export interface UnknownLicense {
  readonly valid: false
  readonly status: 'not_found'
}

/** What verification is called on `licensing.verification`. */
export interface VerificationUseCases {
  /** @throws {LicensingError} `validation_error`, `not_found`. */
  verify(app: string, reference: LicenseReference): Promise<Verification>
  /** Never refuses a bad token with an error: `valid` and `code` tell. @throws {LicensingError} `not_found` for the app. */
  verifyToken(app: string, token: unknown): Promise<TokenVerification>
  /** By what was asked for. @throws {LicensingError} `validation_error`, `not_found` for the app. */
  verifyBatch(app: string, batch: BatchReference): Promise<ReadonlyMap<string, Verification | UnknownLicense>>
}

const maxBatch = 100

function list(description: string, maxItems: number) {
  const rule = `must be a list of at most ${maxItems} strings`
  const item = Type.String({ maxLength: 255 })
  return Type.Unsafe<readonly string[]>(Type.Array(item, { description, maxItems, rule }))
}

export const licenseReference: Input<LicenseReference> = input<LicenseReference>()(
  Type.Object({
    installationId: Type.Optional(uuid('The installation, a UUID')),
    jti: Type.Optional(text('The jti of any token of the license', 1, 255)),
  }),
)

export const batchReference: Input<BatchReference> = input<BatchReference>()(
  Type.Object({
    installationIds: Type.Optional(list('Installations', maxBatch)),
    jtis: Type.Optional(list('Token ids', maxBatch)),
  }),
)

function verificationOf(context: Context, license: LicenseRecord, revision?: number): Verification {
  const now = context.runtime.now()
  const { valid } = decide({ license, now, revision })
  return {
    valid,
    status: statusOf(license, now),
    tier: license.tier,
    features: featuresOf(license),
    expiresAt: license.expiresAt,
    installationId: license.installationId,
    ...(revision !== undefined && revision < license.revision && { superseded: true }),
  }
}

async function verifyInstallation(context: Context, app: string, id: string): Promise<Verification | null> {
  const isName = isText(app) && isUuid(id)
  const license = isName ? await context.storage.findCurrentLicense(app, id.toLowerCase()) : null
  return license === null ? null : verificationOf(context, license)
}

async function verifyJti(context: Context, app: AppRecord, asked: string): Promise<Verification | null> {
  const jti = readJti(asked)
  if (jti === null || !(await isOwnJti(context, app, asked, jti))) return null
  const license = await context.storage.findLicense(app.id, jti.licenseId)
  return license === null ? null : verificationOf(context, license, jti.revision)
}

async function verify(context: Context, app: string, reference: LicenseReference): Promise<Verification> {
  const { installationId, jti } = licenseReference.parse(reference)
  if ((installationId === undefined) === (jti === undefined))
    throw invalidInput({ installationId: ['exactly one of installationId and jti must be given'] })
  const found =
    jti === undefined
      ? await verifyInstallation(context, app, installationId ?? '')
      : await verifyJti(context, await requireApp(context, app), jti)
  if (found === null) throw new LicensingError('not_found', 'License not found')
  return found
}

async function judgeToken(
  context: Context,
  app: AppRecord,
  token: AuthenticToken,
): Promise<TokenVerification> {
  const { claims, jti } = token
  const license = await context.storage.findLicense(app.id, jti.licenseId)
  if (license === null) return { valid: false, code: 'not_found', reason: 'The license does not exist' }
  const { valid, code, reason } = decide({
    token: claims,
    revision: jti.revision,
    license,
    now: context.runtime.now(),
  })
  return { ...verificationOf(context, license, jti.revision), valid, code, reason }
}

async function verifyToken(context: Context, app: string, token: unknown): Promise<TokenVerification> {
  const record = await requireApp(context, app)
  const authentic = await authenticateToken(context, record, token).catch((error: unknown) => {
    if (error instanceof LicensingError && error.code === 'invalid_token') return null
    throw error
  })
  if (authentic === null) return { valid: false, code: 'invalid_token', reason: 'The token is not valid' }
  return judgeToken(context, record, authentic)
}

async function verifyBatch(
  context: Context,
  app: string,
  batch: BatchReference,
): Promise<ReadonlyMap<string, Verification | UnknownLicense>> {
  const { installationIds, jtis } = batchReference.parse(batch)
  if ((installationIds === undefined) === (jtis === undefined))
    throw invalidInput({ installationIds: ['exactly one of installationIds and jtis must be given'] })
  const record = await requireApp(context, app)
  const judge = (asked: string): Promise<Verification | null> =>
    jtis === undefined ? verifyInstallation(context, record.id, asked) : verifyJti(context, record, asked)
  const asked = [...new Set(jtis ?? installationIds)]
  const found = await Promise.all(asked.map(judge))
  return new Map(asked.map((id, at) => [id, found[at] ?? { valid: false, status: 'not_found' }]))
}

/** Binds verification to a context. */
export function bindVerification(context: Context): VerificationUseCases {
  return {
    verify: (app, reference) => verify(context, app, reference),
    verifyToken: (app, token) => verifyToken(context, app, token),
    verifyBatch: (app, batch) => verifyBatch(context, app, batch),
  }
}
