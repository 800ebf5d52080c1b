import { Type, type TInteger, type TOptional, type TSchema } from '@sinclair/typebox'
import { atMostOneOf, exactlyOneOf } from '../input/choice.ts'
import {
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
import { checkMetadata, input, invalidInput, type Input } from '../input/parse.ts'
import type { Limits } from '../limits.ts'
import type { Expiry } from '../licenses/input.ts'
import { pagingFields, type Paging } from '../paging.ts'
import type { Metadata, NumericDate, SaleEnding } from '../storage/index.ts'

/** The fields of a license key that creation and change share. */
interface LicenseKeyTerms {
  /** At most 50 feature slugs of its seats, added to the tier's. */
  readonly customFeatures?: readonly string[] | null
  /** At most 20 limits of its seats by slug, 0 to 2^53 - 1. They override the tier's name by name. */
  readonly customLimits?: Limits | null
  /** Name, for people. At most 255 characters. */
  readonly name?: string | null
  /** Seats that are sold, 1 to 10,000. Default 1. */
  readonly seats?: number
  /** `refuse` a new installation, or replace the seat that was seen first. Default `refuse`. */
  readonly whenFull?: 'refuse' | 'replace_oldest'
  /** Days without a sign of life after which a seat may be given to another installation: 1 to 3,650, or `null` for never. */
  readonly idleDays?: number | null
  /** Releases that holders may make in a year, 0 to 1,000,000, or `null` for any number. Default 12. */
  readonly releasesPerYear?: number | null
  /** Versions that were released until then are covered; `null` for all. */
  readonly updatesUntil?: NumericDate | Date | null
  /** The sale in the shop, unique in the app. 1 to 255 characters. */
  readonly externalId?: string | null
  /** The key that the shop mails: 16 to 128 of `A-Z a-z 0-9 _ -`. It works beside the derived one, and is never shown. */
  readonly key?: string | null
  /** A JSON object of at most 16 KiB. */
  readonly metadata?: Metadata | null
}

interface NewLicenseKeyFields extends LicenseKeyTerms {
  readonly customerId: string
  /** Id or slug. */
  readonly tierId: string
  /** `activation` begins `durationDays` with the first activation. Default `creation`. */
  readonly starts?: 'creation' | 'activation'
}

/**
 * Input of `licensing.licenseKeys.create`.
 *
 * @example
 * ```ts
 * import type { NewLicenseKey } from 'heartwood'
 *
 * const sale: NewLicenseKey = {
 *   customerId: 'cus_01kfnb4zd5fd8rh1b9p2xj3t6y',
 *   tierId: 'pro',
 *   seats: 2,
 *   durationDays: 365,
 * }
 * ```
 */
export type NewLicenseKey = NewLicenseKeyFields & Expiry

interface ChangedTerms extends LicenseKeyTerms {
  readonly customerId?: string
  /** Id or slug. */
  readonly tierId?: string
}

/**
 * Changes to a license key. An absent field stays unchanged, and `null` clears it. Lists and `metadata` are replaced as a
 * whole. A change to a claim issues all its seats anew. On a revoked license key only `name` and `metadata` may change.
 */
export type LicenseKeyChanges = ChangedTerms &
  (Expiry | { readonly durationDays?: never; readonly expiresAt?: never; readonly forever?: never })

/** The parsed end. */
interface ParsedEnd {
  readonly durationDays?: number
  readonly expiresAt?: NumericDate
  readonly forever?: true
}

/** Terms as `parse` leaves them. */
type Parsed<Terms> = Omit<Terms, 'updatesUntil'> & { readonly updatesUntil?: NumericDate | null } & ParsedEnd

export interface ParsedLicenseKey extends Parsed<NewLicenseKeyFields> {}
export interface ParsedKeyChanges extends Parsed<ChangedTerms> {}

/** Filter and page of `licensing.licenseKeys.list`. */
export interface LicenseKeyQuery extends Paging {
  readonly status?: 'active' | 'expired' | 'revoked'
  readonly customerId?: string
  /** Id or slug. */
  readonly tierId?: string
  /** Asks for the texts of the license keys too. */
  readonly include?: 'key'
}

/** Options of `licensing.licenseKeys.roll`. */
export interface LicenseKeyRoll {
  /** Days for which the old text works too, 0 to 90. Default 0: it dies at once. */
  readonly overlapDays?: number
}

/** Options of `licensing.licenseKeys.releaseAll`. */
export interface SeatExceptions {
  /** At most 100 ids of licenses that keep their seats. */
  readonly except?: readonly string[]
}

/** The installation that takes a seat: input of `licensing.licenseKeys.activate`. */
export interface NewActivation {
  /** A UUID, which the licensed program makes once and keeps. */
  readonly installationId: string
  /** The name of the installation, for people: at most 64 characters. */
  readonly name?: string | null
  /**
   * A token that the installation has. It proves that the installation may give up the license of another license key. A bad
   * token proves nothing, and is no error.
   */
  readonly currentToken?: string | null
  /**
   * True if the program asks by itself, because its token has ended. A seat that was given back stays free then, because only a
   * person takes it again. Default false.
   */
  readonly renewal?: boolean
}

/** The person or company who bought, as the shop knows them. */
export interface SaleCustomer {
  readonly email: string
  readonly name?: string | null
  /** The customer's id in the shop. */
  readonly externalId?: string | null
}

/**
 * The state of a sale in a shop: input of `licensing.licenseKeys.sync`.
 *
 * @example
 * ```ts
 * import type { Sale } from 'heartwood'
 *
 * const sale: Sale = {
 *   externalId: 'stripe:sub_1Q2w3E',
 *   asOf: new Date('2027-01-23T10:00:00Z'),
 *   customer: { email: 'ada@example.com', externalId: 'stripe:cus_9aB' },
 *   tierId: 'pro',
 *   seats: 3,
 *   expiresAt: new Date('2027-03-02T00:00:00Z'),
 * }
 * ```
 */
export interface Sale {
  /** The sale in the shop. 1 to 255 characters. */
  readonly externalId: string
  /** The time at which the sale stood so, by the shop's clock. */
  readonly asOf: NumericDate | Date
  readonly customer: SaleCustomer
  /** Id or slug. */
  readonly tierId: string
  /** 1 to 10,000. */
  readonly seats: number
  /** The end, which may be past; `null` for a sale without end. */
  readonly expiresAt: NumericDate | Date | null
  /** Versions that were released until then are covered. Absent or `null`: all. */
  readonly updatesUntil?: NumericDate | Date | null
  /**
   * `refund` and `dispute` revoke the license key. `cancelled` says nothing beside the end. Absent or `null`: the sale goes
   * on, which undoes a revocation by an earlier `refund` or `dispute`.
   */
  readonly ended?: SaleEnding | null
  /** The key that the shop mails. Absent or `null`: unchanged. */
  readonly key?: string | null
  /** Absent or `null`: unchanged. */
  readonly metadata?: Metadata | null
}

/** A sale as `parse` leaves it. */
export interface ParsedSale extends Omit<Sale, 'asOf' | 'expiresAt' | 'updatesUntil'> {
  readonly asOf: NumericDate
  readonly expiresAt: NumericDate | null
  readonly updatesUntil?: NumericDate | null
}

const maxCustomFeatures = 50
const maxCustomLimits = 20

const expiryFields: {
  durationDays: TOptional<TInteger>
  expiresAt: TOptional<TInteger>
  forever: TOptional<ReturnType<typeof Type.Literal<true>>>
} = {
  durationDays: Type.Optional(integer('Days from its start until it expires', 1, 36_500)),
  expiresAt: Type.Optional(instant('When it expires, in the future', '; forever: true means no end')),
  forever: Type.Optional(Type.Literal(true, { description: 'It never expires', rule: 'must be true' })),
}

const expiries = Object.keys(expiryFields)

function foreignKey() {
  return Type.String({
    description: 'The key that the shop mails; it is stored hashed and never shown',
    pattern: '^[A-Za-z0-9_-]{16,128}$',
    maxLength: 128,
    rule: 'must be 16 to 128 characters (A-Z a-z 0-9 _ -)',
  })
}

const optionalNull = <Schema extends TSchema>(schema: Schema) => Type.Optional(nullable(schema))

const seats = () => integer('Seats that are sold', 1, 10_000)

const terms = {
  customFeatures: optionalNull(slugs('Features of its seats, added to the tier’s', maxCustomFeatures)),
  customLimits: optionalNull(limits('Limits of its seats; they override the tier’s', maxCustomLimits)),
  name: optionalNull(text('Name, for people', 0, 255)),
  seats: Type.Optional(seats()),
  whenFull: Type.Optional(
    oneOf('Refuse a new installation, or replace the seat that was seen first', ['refuse', 'replace_oldest']),
  ),
  idleDays: optionalNull(integer('Days of silence after which a seat may be given away', 1, 3650)),
  releasesPerYear: optionalNull(integer('Releases that holders may make in a year', 0, 1_000_000)),
  updatesUntil: optionalNull(instant('Versions released until then are covered; null means all')),
  externalId: optionalNull(text('The sale in the shop, unique in the app', 1, 255)),
  key: optionalNull(foreignKey()),
  ...expiryFields,
  metadata: optionalNull(metadata()),
}

export const newLicenseKey: Input<ParsedLicenseKey> = input<ParsedLicenseKey>()(
  Type.Object(
    {
      customerId: identifier('Who buys it'),
      tierId: reference('Tier of its seats, by id or slug'),
      starts: Type.Optional(oneOf('Event that starts duration_days', ['creation', 'activation'])),
      ...terms,
    },
    exactlyOneOf(...expiries),
  ),
)

export const licenseKeyChanges: Input<ParsedKeyChanges> = input<ParsedKeyChanges>()(
  Type.Object(
    {
      customerId: Type.Optional(identifier('Who holds it')),
      tierId: Type.Optional(reference('Tier of its seats, by id or slug')),
      ...terms,
    },
    atMostOneOf(...expiries),
  ),
)

export const licenseKeyQuery: Input<LicenseKeyQuery> = input<LicenseKeyQuery>()(
  Type.Object({
    ...pagingFields,
    status: Type.Optional(oneOf('Only license keys of this status', ['active', 'expired', 'revoked'])),
    customerId: Type.Optional(identifier('Only license keys of this customer')),
    tierId: Type.Optional(reference('Only license keys of this tier, by id or slug')),
    include: Type.Optional(oneOf('Adds the texts of the license keys', ['key'])),
  }),
)

export const licenseKeyRoll: Input<LicenseKeyRoll> = input<LicenseKeyRoll>()(
  Type.Object({ overlapDays: Type.Optional(integer('Days for which the old text works too', 0, 90)) }),
)

export const seatExceptions: Input<SeatExceptions> = input<SeatExceptions>()(
  Type.Object({
    except: Type.Optional(
      Type.Unsafe<readonly string[]>(
        Type.Array(Type.String({ maxLength: 63 }), {
          description: 'Licenses that keep their seats',
          maxItems: 100,
          rule: 'must be a list of at most 100 ids of licenses',
        }),
      ),
    ),
  }),
)

export const newActivation: Input<NewActivation> = input<NewActivation>()(
  Type.Object({
    installationId: uuid('The installation that takes the seat, a UUID'),
    name: optionalNull(text('Name of the installation, for people', 0, 64)),
    currentToken: optionalNull(
      Type.String({ description: 'A token that the installation has', rule: 'must be a string' }),
    ),
    renewal: Type.Optional(
      Type.Boolean({
        description: 'The program asks by itself: a seat that was given back stays free',
        rule: 'must be true or false',
      }),
    ),
  }),
)

export const sale: Input<ParsedSale> = input<ParsedSale>()(
  Type.Object({
    externalId: text('The sale in the shop', 1, 255),
    asOf: instant('The time at which the sale stood so'),
    customer: saleCustomer(),
    tierId: reference('Tier of the seats, by id or slug'),
    seats: seats(),
    expiresAt: nullable(instant('The end, which may be past; null for none')),
    updatesUntil: optionalNull(instant('Versions released until then are covered; null means all')),
    ended: optionalNull(oneOf('The way in which it ended', ['cancelled', 'refund', 'dispute'])),
    key: optionalNull(foreignKey()),
    metadata: optionalNull(metadata()),
  }),
)

function saleCustomer() {
  return Type.Unsafe<SaleCustomer>(
    Type.Object(
      {
        email: text('E-mail address', 3, 254),
        name: optionalNull(text('Name', 0, 255)),
        externalId: optionalNull(text('The customer’s id in the shop', 1, 255)),
      },
      {
        description: 'The customer, as the shop knows them',
        additionalProperties: false,
        rule: 'must be an object with an email, and perhaps a name and an externalId',
      },
    ),
  )
}

/** @throws {LicensingError} `validation_error` for metadata that is too large, or `starts` without its duration. */
export function checkTerms(given: Pick<ParsedLicenseKey, 'metadata' | 'starts' | 'durationDays'>): void {
  checkMetadata(given.metadata)
  if (given.starts === 'activation' && given.durationDays === undefined)
    throw invalidInput({ starts: ['must be creation unless durationDays is given'] })
}
