import { Type, type TInteger, type TLiteral, type TOptional } from '@sinclair/typebox'
import { atMostOneOf, exactlyOneOf } from '../input/choice.ts'
import {
  flag,
  identifier,
  instant,
  integer,
  limits,
  metadata,
  nullable,
  oneOf,
  reference,
  slugs,
  text,
  uuid,
} from '../input/fields.ts'
import { input, invalidInput, type Input } from '../input/parse.ts'
import type { Limits } from '../limits.ts'
import { pagingFields, type Paging } from '../paging.ts'
import type { Metadata, NumericDate } from '../storage/index.ts'
import { day, maxInstant } from '../time.ts'

/**
 * The end of a license: exactly one of the three.
 *
 * @example
 * ```ts
 * import type { Expiry } from 'heartwood'
 *
 * const ends: readonly Expiry[] = [{ durationDays: 365 }, { expiresAt: new Date('2030-01-01') }, { forever: true }]
 * ```
 */
export type Expiry =
  | {
      /** Days of 86,400 seconds from now, 1 to 36,500. */
      readonly durationDays: number
      readonly expiresAt?: never
      readonly forever?: never
    }
  | {
      /** A time in the future: whole seconds since 1970, or a `Date`, whose fraction of a second is cut off. */
      readonly expiresAt: NumericDate | Date
      readonly durationDays?: never
      readonly forever?: never
    }
  | { readonly forever: true; readonly durationDays?: never; readonly expiresAt?: never }

/** No new end. */
interface SameExpiry {
  readonly durationDays?: never
  readonly expiresAt?: never
  readonly forever?: never
}

/** The end of a license as `parse` leaves it. */
interface ParsedExpiry {
  readonly durationDays?: number
  readonly expiresAt?: NumericDate
  readonly forever?: true
}

/** The versions of the program that a license covers. */
interface Coverage {
  /** Covers versions released until this time: whole seconds since 1970, or a `Date`. `null`, the default, covers all. */
  readonly updatesUntil?: NumericDate | Date | null
}

/** The coverage as `parse` leaves it. */
interface ParsedCoverage {
  readonly updatesUntil?: NumericDate | null
}

interface NewLicenseFields {
  /** A UUID, which the licensed program makes once and keeps. It is stored in lower case. */
  readonly installationId: string
  readonly customerId: string
  /** Id or slug. */
  readonly tierId: string
  /** At most 50 feature slugs for this license alone, added to the tier's. The catalogue need not have them. */
  readonly customFeatures?: readonly string[]
  /** The same as `customFeatures`. Give one of the two. */
  readonly features?: readonly string[]
  /** At most 20 limits by slug for this license alone, 0 to 2^53 - 1. They override the tier's name by name. */
  readonly customLimits?: Limits
  /** A JSON object of at most 16 KiB. */
  readonly metadata?: Metadata
}

/**
 * Input of `licensing.licenses.create`.
 *
 * @example
 * ```ts
 * import type { NewLicense } from 'heartwood'
 *
 * const license: NewLicense = {
 *   installationId: crypto.randomUUID(),
 *   customerId: 'cus_01kfnb4zd5fd8rh1b9p2xj3t6y',
 *   tierId: 'pro',
 *   customFeatures: ['beta'],
 *   durationDays: 365,
 * }
 * ```
 */
export type NewLicense = NewLicenseFields & Expiry & Coverage

/** A new license as `parse` leaves it. */
export interface ParsedLicense extends NewLicenseFields, ParsedExpiry, ParsedCoverage {}

interface LicenseChangeFields {
  readonly installationId?: string
  readonly customerId?: string
  /** Id or slug. */
  readonly tierId?: string
  readonly customFeatures?: readonly string[] | null
  /** The name of the installation, for people. At most 64 characters. */
  readonly name?: string | null
  readonly customLimits?: Limits | null
  readonly metadata?: Metadata | null
}

/**
 * Changes to a license. An absent field stays unchanged; lists and `metadata` are replaced as a whole. A change to a claim
 * regenerates the license. On a revoked license only `name` and `metadata` may change. On a seat, customer, tier, features and
 * end belong to its license key.
 */
export type LicenseChanges = LicenseChangeFields & (Expiry | SameExpiry) & Coverage

/** Changes as `parse` leaves them. */
export interface ParsedChanges extends LicenseChangeFields, ParsedExpiry, ParsedCoverage {}

/** Filter and page of `licensing.licenses.list`. */
export interface LicenseQuery extends Paging {
  readonly status?: 'active' | 'expired' | 'revoked'
  readonly customerId?: string
  /** Id or slug. */
  readonly tierId?: string
  readonly installationId?: string
  /** Only the seats of this license key. */
  readonly licenseKeyId?: string
  /** Only licenses that end before this time. A license without end passes neither this nor `expiresAfter`. */
  readonly expiresBefore?: NumericDate | Date
  /** Only licenses that end at this time or later. */
  readonly expiresAfter?: NumericDate | Date
  /** Only licenses that were last seen before this time. One that was never seen does not pass. */
  readonly seenBefore?: NumericDate | Date
  /** Only licenses that were created at this time or later. */
  readonly createdAfter?: NumericDate | Date
  /**
   * The order, `-` for descending. Licenses without end come last in both. Without it, a list is newest first, unless a filter
   * names a time: by `expiresBefore` and `expiresAfter` the earliest end comes first, and by `seenBefore` the last one seen.
   * By `createdAfter` and the status `expired`, the latest end comes first.
   */
  readonly sort?: LicenseSort
  /** Asks for the tokens too. Each costs a signature, so a page has at most 20 then. */
  readonly include?: 'token'
}

/** An order of licenses: see {@link LicenseQuery.sort}. */
export type LicenseSort = 'created_at' | '-created_at' | 'expires_at' | '-expires_at'

type TimeFilter = 'expiresBefore' | 'expiresAfter' | 'seenBefore' | 'createdAfter'

/** A query as `parse` leaves it. */
export interface ParsedLicenseQuery extends Omit<LicenseQuery, TimeFilter> {
  readonly expiresBefore?: NumericDate
  readonly expiresAfter?: NumericDate
  readonly seenBefore?: NumericDate
  readonly createdAfter?: NumericDate
}

/** Options of `licensing.licenses.revoke`. */
export interface Revocation {
  /** The reason, for people. It is stored with the license. At most 1,024 characters. */
  readonly reason?: string | null
}

/** Options of `licensing.licenses.reinstate`. */
export interface Reinstatement {
  /** Regenerates the license and refuses every earlier token. */
  readonly invalidatePrevious?: boolean
}

const maxCustomFeatures = 50
const maxCustomLimits = 20
const maxTokensPerPage = 20

const expiryFields: {
  durationDays: TOptional<TInteger>
  expiresAt: TOptional<TInteger>
  forever: TOptional<TLiteral<true>>
} = {
  durationDays: Type.Optional(integer('Days from now until it expires', 1, 36_500)),
  expiresAt: Type.Optional(instant('When it expires, in the future', '; forever: true means no end')),
  forever: Type.Optional(Type.Literal(true, { description: 'It never expires', rule: 'must be true' })),
}

const expiries = Object.keys(expiryFields)

const installationId = () => uuid('The installation the license is for, a UUID')
const customerId = () => identifier('Who holds it')
const tierId = () => reference('Its tier, by id or slug')
const customFeatures = () => slugs('Features of this license alone, added to the tier’s', maxCustomFeatures)

const customLimits = () => limits('Limits of this license alone; they override the tier’s', maxCustomLimits)
const updatesUntil = () => nullable(instant('Covers versions released until then; null covers all versions'))

export const newLicense: Input<ParsedLicense> = input<ParsedLicense>()(
  Type.Object(
    {
      installationId: installationId(),
      customerId: customerId(),
      tierId: tierId(),
      customFeatures: Type.Optional(customFeatures()),
      features: Type.Optional(customFeatures()),
      customLimits: Type.Optional(customLimits()),
      updatesUntil: Type.Optional(updatesUntil()),
      ...expiryFields,
      metadata: Type.Optional(metadata()),
    },
    exactlyOneOf(...expiries),
  ),
)

export const licenseChanges: Input<ParsedChanges> = input<ParsedChanges>()(
  Type.Object(
    {
      installationId: Type.Optional(installationId()),
      customerId: Type.Optional(customerId()),
      tierId: Type.Optional(tierId()),
      customFeatures: Type.Optional(nullable(customFeatures())),
      customLimits: Type.Optional(nullable(customLimits())),
      updatesUntil: Type.Optional(updatesUntil()),
      ...expiryFields,
      name: Type.Optional(nullable(text('Name of the installation, for people', 0, 64))),
      metadata: Type.Optional(nullable(metadata())),
    },
    atMostOneOf(...expiries),
  ),
)

export const licenseQuery: Input<ParsedLicenseQuery> = input<ParsedLicenseQuery>()(
  Type.Object({
    ...pagingFields,
    status: Type.Optional(oneOf('Only licenses of this status', ['active', 'expired', 'revoked'])),
    customerId: Type.Optional(identifier('Only licenses of this customer')),
    tierId: Type.Optional(reference('Only licenses of this tier, by id or slug')),
    installationId: Type.Optional(uuid('Only licenses for this installation')),
    licenseKeyId: Type.Optional(identifier('Only the seats of this license key')),
    expiresBefore: Type.Optional(instant('Only licenses that end before this time')),
    expiresAfter: Type.Optional(instant('Only licenses that end at this time or later')),
    seenBefore: Type.Optional(
      instant('Only licenses that were last seen before this time; needs a secret key'),
    ),
    createdAfter: Type.Optional(instant('Only licenses that were created at this time or later')),
    sort: Type.Optional(
      oneOf('The order, - for descending; licenses without end come last', [
        'created_at',
        '-created_at',
        'expires_at',
        '-expires_at',
      ]),
    ),
    include: Type.Optional(oneOf('Adds the tokens; then at most 20 a page', ['token'])),
  }),
)

export const revocation: Input<Revocation> = input<Revocation>()(
  Type.Object({ reason: Type.Optional(nullable(text('Why, for people', 0, 1024))) }),
)

export const reinstatement: Input<Reinstatement> = input<Reinstatement>()(
  Type.Object({
    invalidatePrevious: Type.Optional(flag('Issue the claims anew and refuse every earlier token')),
  }),
)

/** The end of a new license; `null` if it never expires. @throws {LicensingError} `validation_error`. */
export function expiryOf(
  { durationDays, expiresAt, forever }: ParsedExpiry,
  now: NumericDate,
): NumericDate | null {
  if (forever === true) return null
  const end = expiresAt ?? now + (durationDays ?? 0) * day
  if (end <= now || end > maxInstant)
    throw invalidInput({ expiresAt: ['must be in the future and at most in the year 9999'] })
  return end
}

/** The end that a change asks for; `undefined` keeps the present end. @throws {LicensingError} `validation_error`. */
export function changedExpiryOf(expiry: ParsedExpiry, now: NumericDate): NumericDate | null | undefined {
  const { durationDays, expiresAt, forever } = expiry
  return (durationDays ?? expiresAt ?? forever) === undefined ? undefined : expiryOf(expiry, now)
}

/** The custom features, under either of their two names. @throws {LicensingError} `validation_error`. */
export function customFeaturesOf(
  given: Pick<NewLicenseFields, 'features' | 'customFeatures'>,
): readonly string[] {
  if (given.features !== undefined && given.customFeatures !== undefined)
    throw invalidInput({ features: ['must not be given together with customFeatures, which is the same'] })
  return given.customFeatures ?? given.features ?? []
}

/** Licenses a page of a whole list; `undefined` for as many as a page may have. */
export function pageSizeOf({ include }: Pick<LicenseQuery, 'include'> = {}): number | undefined {
  return include === undefined ? undefined : maxTokensPerPage
}

/** @throws {LicensingError} `validation_error` if a page would hold too many tokens. */
export function checkInclude({
  include,
  perPage = maxTokensPerPage,
}: Pick<LicenseQuery, 'include' | 'perPage'>): void {
  if (include === 'token' && perPage > maxTokensPerPage)
    throw invalidInput({ perPage: [`must be at most ${maxTokensPerPage} with include=token`] })
}
