import { Type, type TInteger } from '@sinclair/typebox'
import type { Context, GenuineToken } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { isUuid } from '../ids.ts'
import { exactlyOneOf } from '../input/choice.ts'
import { dateOrInstant, text, uuid } from '../input/fields.ts'
import { input, isText, type Input } from '../input/parse.ts'
import { limitsOf, type Limits } from '../limits.ts'
import { after, type Eventual } from '../eventual.ts'
import { checkApp, requireApp } from '../lookup.ts'
import { immediateReadsOf, type LicenseStanding } from '../storage/immediate-reads.ts'
import type { AppRecord, NumericDate } from '../storage/index.ts'
import { decide, statusOf, type Decision } from '../token/decision.ts'
import { readJti } from '../token/jti.ts'
import { decideOwnToken, findGenuineToken, isOwnJti, type TokenIssuer } from './check-token.ts'
import { featuresOf } from './issue-token.ts'

/**
 * Names a license by exactly one of the two.
 *
 * @example
 * ```ts
 * import type { LicenseReference } from 'heartwood'
 *
 * const reference: LicenseReference = { installationId: '7f2c1e0a-5b7d-4c0e-9a53-0d6f3f1b2c4d' }
 * ```
 */
export type LicenseReference =
  | {
      /** A UUID. It names the license that occupies the installation slot. */
      readonly installationId: string
      readonly jti?: never
    }
  | {
      /** The `jti` of any token of the license, the newest or an earlier one. */
      readonly jti: string
      readonly installationId?: never
    }

/** The state of a license, by its record. Times are whole seconds since 1970. */
export interface Verification {
  /** True if the license is active, and no later `invalidatePrevious` refuses the `jti`. */
  readonly valid: boolean
  readonly status: 'active' | 'expired' | 'revoked'
  readonly tier: string
  readonly features: readonly string[]
  /** By slug; empty if there are none. */
  readonly limits: Limits
  /** `null` for a license that never expires. */
  readonly expiresAt: NumericDate | null
  /** It covers versions of the program that were released until then; `null` for all. */
  readonly updatesUntil: NumericDate | null
  readonly installationId: string
  /** Present if a newer token has replaced the one with this `jti`. */
  readonly superseded?: true
}

/** The state of a token: its signature, its claims, and its license. */
export interface TokenVerification extends Partial<Omit<Verification, 'valid'>> {
  readonly valid: boolean
  /** The reason for a program; `null` if valid. */
  readonly code:
    | 'invalid_token'
    | 'token_expired'
    | 'license_revoked'
    | 'license_released'
    | 'version_not_covered'
    | 'not_found'
    | null
  /** The reason in words. */
  readonly reason: string
}

/** Options of `licensing.verification.verifyToken`. */
export interface TokenVerificationOptions {
  /**
   * The release date of the program that shows the token: whole seconds since 1970, or a `Date`. If the license covers only
   * earlier versions, the code is `version_not_covered`.
   */
  readonly releasedAt?: NumericDate | Date
}

/** Names at most 100 licenses, by exactly one of the two lists. */
export type BatchReference =
  | { readonly installationIds: readonly string[]; readonly jtis?: never }
  | { readonly jtis: readonly string[]; readonly installationIds?: never }

/** The entry of a license that does not exist. */
export interface UnknownLicense {
  readonly valid: false
  readonly status: 'not_found'
}

/**
 * The use cases of verification: `licensing.verification`.
 *
 * @example
 * ```ts
 * import type { Licensing } from 'heartwood'
 *
 * async function isLicensed(licensing: Licensing, token: string): Promise<boolean> {
 *   const { valid } = await licensing.verification.verifyToken('desktop-app', token)
 *   return valid
 * }
 * ```
 */
export interface VerificationUseCases {
  /** Verifies a license by its record. @throws {LicensingError} `validation_error`, `not_found`. */
  verify(app: string, reference: LicenseReference): Promise<Verification>
  /**
   * As `verify`, but a storage that can read at once gives the verification itself instead of a promise, and throws at once.
   * A promise would be most of the cost of a look-up.
   */
  verifyDirectly(app: string, reference: LicenseReference): Verification | Promise<Verification>
  /**
   * Verifies a token and its license. A bad token is a result, not an error: see `valid` and `code`.
   * @throws {LicensingError} `not_found` if the app does not exist; `validation_error` for a bad option.
   */
  verifyToken(app: string, token: unknown, options?: TokenVerificationOptions): Promise<TokenVerification>
  /** As `verifyToken`, at once if storage and runtime can: see {@link verifyDirectly}. */
  verifyTokenDirectly(
    app: string,
    token: unknown,
    options?: TokenVerificationOptions,
  ): TokenVerification | Promise<TokenVerification>
  /**
   * Verifies many licenses by their records. The keys of the map are the given installation ids or `jti`s.
   * @throws {LicensingError} `validation_error`; `not_found` if the app does not exist.
   */
  verifyBatch(app: string, batch: BatchReference): Promise<ReadonlyMap<string, Verification | UnknownLicense>>
}

const maxBatch = 100

function list(description: string, maxItems: number) {
  const rule = `must be a list of at most ${maxItems} strings`
  const item = Type.String({ maxLength: 255 })
  return Type.Unsafe<readonly string[]>(Type.Array(item, { description, maxItems, rule }))
}

interface ReferenceFields {
  readonly installationId?: string
  readonly jti?: string
}

interface BatchFields {
  readonly installationIds?: readonly string[]
  readonly jtis?: readonly string[]
}

interface ParsedTokenVerificationOptions {
  readonly releasedAt?: NumericDate
}

/** The release date of a program, in the input of a verification. */
export const releasedAt = (): TInteger => dateOrInstant('When the program was released that shows the token')

const tokenVerificationOptions: Input<ParsedTokenVerificationOptions> =
  input<ParsedTokenVerificationOptions>()(Type.Object({ releasedAt: Type.Optional(releasedAt()) }))

export const licenseReference: Input<ReferenceFields> = input<ReferenceFields>()(
  Type.Object(
    {
      installationId: Type.Optional(uuid('The installation, a UUID')),
      jti: Type.Optional(text('The jti of any token of the license', 1, 255)),
    },
    exactlyOneOf('installationId', 'jti'),
  ),
)

export const batchReference: Input<BatchFields> = input<BatchFields>()(
  Type.Object(
    {
      installationIds: Type.Optional(list('Installations', maxBatch)),
      jtis: Type.Optional(list('Token ids', maxBatch)),
    },
    exactlyOneOf('installationIds', 'jtis'),
  ),
)

/** The name of each outcome in the statistics of an app. A text that is made for each call would cost more than the count. */
const tallyNames: Readonly<Record<NonNullable<Decision['code']>, string>> = {
  token_expired: 'verify.token_expired',
  invalid_token: 'verify.invalid_token',
  license_revoked: 'verify.license_revoked',
  license_released: 'verify.license_released',
  version_not_covered: 'verify.version_not_covered',
}

function count(context: Context, appId: string, code: Decision['code'], now: NumericDate): void {
  context.runtime.tallies.count(appId, code === null ? 'verify.ok' : tallyNames[code], now)
}

/** The verification of a license by its record, counted in the statistics of its app. */
function verificationOf(context: Context, license: LicenseStanding, revision?: number): Verification {
  const now = context.runtime.now()
  const { valid, code } = decide({ license, now, revision })
  count(context, license.appId, code, now)
  return viewOf(license, valid, now, revision)
}

function viewOf(
  license: LicenseStanding,
  valid: boolean,
  now: NumericDate,
  revision: number | undefined,
): Verification {
  const verification = {
    valid,
    status: statusOf(license, now),
    tier: license.tier,
    features: featuresOf(license),
    limits: limitsOf(license),
    expiresAt: license.expiresAt,
    updatesUntil: license.updatesUntil,
    installationId: license.installationId,
  }
  // An object with a spread costs several times one without.
  const isSuperseded = revision !== undefined && revision < license.revision
  return isSuperseded ? { ...verification, superseded: true } : verification
}

function verificationOrNull(
  context: Context,
  app: string,
  license: LicenseStanding | null,
): Verification | null {
  if (license !== null) return verificationOf(context, license)
  context.runtime.tallies.countMissing(app, context.runtime.now())
  return null
}

/** At once if storage can. */
function verifyInstallation(
  context: Context,
  app: string,
  id: string,
): Verification | null | Promise<Verification | null> {
  if (!isText(app) || !isUuid(id)) return null
  const name = id.toLowerCase()
  const reads = immediateReadsOf(context.storage)
  return reads === undefined
    ? verifyInstallationLater(context, app, name)
    : verificationOrNull(context, app, reads.findCurrentStanding(app, name))
}

async function verifyInstallationLater(
  context: Context,
  app: string,
  id: string,
): Promise<Verification | null> {
  return verificationOrNull(context, app, await context.storage.findCurrentLicense(app, id))
}

async function verifyJti(context: Context, app: AppRecord, asked: string): Promise<Verification | null> {
  const jti = readJti(asked)
  const isOwn = jti !== null && isOwnJti(context, app, asked, jti)
  const license = isOwn ? await context.storage.findLicense(app.id, jti.licenseId) : null
  if (license !== null) return verificationOf(context, license, jti?.revision)
  context.runtime.tallies.count(app.id, 'verify.not_found', context.runtime.now())
  return null
}

function requireFound(found: Verification | null): Verification {
  if (found === null) throw new LicensingError('not_found', 'License not found')
  return found
}

async function verifyLater(
  context: Context,
  app: string,
  { installationId, jti }: ReferenceFields,
): Promise<Verification> {
  const record = await requireApp(context, app, 'public')
  const found =
    jti === undefined
      ? verifyInstallation(context, app, installationId ?? '')
      : verifyJti(context, record, jti)
  return requireFound(await found)
}

/** True for the reference of nearly every call. Parsing would return the same, at the cost of a look-up. */
function isPlain(reference: unknown): boolean {
  const fields = Object(reference) as ReferenceFields
  const { installationId } = fields
  for (const name in fields) if (name !== 'installationId') return false
  return typeof installationId === 'string' && isUuid(installationId)
}

/** At once if storage can. */
function verify(
  context: Context,
  app: string,
  reference: LicenseReference,
): Verification | Promise<Verification> {
  const fields = isPlain(reference) ? reference : licenseReference.parse(reference)
  // Without a principal the app need not be read: storage finds the license by the app's slug too.
  if (context.principal !== null || fields.jti !== undefined) return verifyLater(context, app, fields)
  const found = verifyInstallation(context, app, fields.installationId ?? '')
  return found instanceof Promise ? found.then(requireFound) : requireFound(found)
}

/** At once if storage can. @throws {LicensingError} `not_found` */
function findIssuer(context: Context, app: string): Eventual<TokenIssuer> {
  const reads = immediateReadsOf(context.storage)
  if (reads === undefined || context.app !== null) return findIssuerLater(context, app)
  const found = isText(app) ? reads.findTokenIssuer(app) : null
  checkApp(context, found?.app ?? null, 'public')
  return found!
}

async function findIssuerLater(context: Context, name: string): Promise<TokenIssuer> {
  const app = await requireApp(context, name, 'public')
  return { app, keys: await context.storage.listSigningKeys(app.id) }
}

/** At once if storage can. */
function findStanding({ storage }: Context, appId: string, id: string): Eventual<LicenseStanding | null> {
  const reads = immediateReadsOf(storage)
  return reads === undefined ? storage.findLicense(appId, id) : reads.findStanding(appId, id)
}

function judgeToken(
  context: Context,
  appId: string,
  token: GenuineToken,
  license: LicenseStanding | null,
  released: NumericDate | undefined,
): TokenVerification {
  const { runtime } = context
  const now = runtime.now()
  if (license === null) {
    runtime.tallies.count(appId, 'verify.not_found', now)
    return { valid: false, code: 'not_found', reason: 'The license does not exist' }
  }
  const { valid, code, reason } = decideOwnToken(context, token, token.revision, license, released)
  count(context, appId, code, now)
  return { ...viewOf(license, valid, now, token.revision), valid, code, reason }
}

/** At once if storage and runtime can. */
function verifyToken(
  context: Context,
  app: string,
  token: unknown,
  options: TokenVerificationOptions = {},
): Eventual<TokenVerification> {
  const { releasedAt: released } = tokenVerificationOptions.parse(options)
  const reads = immediateReadsOf(context.storage)
  const steps = (): Eventual<TokenVerification> => verifyInSteps(context, app, token, released)
  return reads === undefined ? steps() : reads.together(steps)
}

function verifyInSteps(
  context: Context,
  app: string,
  token: unknown,
  released: NumericDate | undefined,
): Eventual<TokenVerification> {
  return after(findIssuer(context, app), (issuer) =>
    after(findGenuineToken(context, issuer, token), (genuine): Eventual<TokenVerification> => {
      const { id } = issuer.app
      if (genuine === null) {
        count(context, id, 'invalid_token', context.runtime.now())
        return { valid: false, code: 'invalid_token', reason: 'The token is not valid' }
      }
      const license = findStanding(context, id, genuine.licenseId)
      return after(license, (found) => judgeToken(context, id, genuine, found, released))
    }),
  )
}

async function verifyBatch(
  context: Context,
  app: string,
  batch: BatchReference,
): Promise<ReadonlyMap<string, Verification | UnknownLicense>> {
  const { installationIds, jtis } = batchReference.parse(batch)
  const record = await requireApp(context, app, 'public')
  const judge = async (asked: string): Promise<Verification | null> =>
    jtis === undefined ? verifyInstallation(context, record.id, asked) : verifyJti(context, record, asked)
  const asked = [...new Set(jtis ?? installationIds)]
  const found = await Promise.all(asked.map(judge))
  return new Map(asked.map((id, at) => [id, found[at] ?? { valid: false, status: 'not_found' }]))
}

export function bindVerification(context: Context): VerificationUseCases {
  return {
    verify: async (app, reference) => verify(context, app, reference),
    verifyDirectly: (app, reference) => verify(context, app, reference),
    verifyToken: async (app, token, options) => verifyToken(context, app, token, options),
    verifyTokenDirectly: (app, token, options) => verifyToken(context, app, token, options),
    verifyBatch: (app, batch) => verifyBatch(context, app, batch),
  }
}
