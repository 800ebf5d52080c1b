import type { Input } from '../../core/input/parse.ts'
import type { LicenseStatus } from '../../core/licenses/view.ts'
import type { RestrictedLicensing } from '../../core/restricted.ts'
import type { Permission } from '../../core/principal.ts'
import type { Credential } from './admission.ts'
import type { ErrorCode } from './errors.ts'
import type { Limit } from './rate-limit.ts'
import type { ConsumeLimit } from './service.ts'
import type { Reply } from './reply.ts'
import type { JsonSchema } from './wire.ts'

/**
 * The callers that a route admits: anybody (`public`), or a key with a permission, which names the scopes that a scoped key
 * needs. `ownKey` admits a key that manages keys, and the key of the path itself. `renewal` admits a key that may write
 * licenses, or the license's own token in the body. `release` admits a key that may release, the token, and the text of a
 * license key in the body. `licenseKey` admits that text alone, and `anyLicenseKey` a wrong one as well, because the route
 * tells if it is good.
 */
export type Access = Permission | 'ownKey' | 'renewal' | 'release' | 'licenseKey' | 'anyLicenseKey'

/** The permission that a route asks of an API key: see `requiredScopes` of core. */
export function permissionOf({ access }: Pick<Route, 'access'>): Permission {
  if (access === 'renewal') return 'licenses:write'
  if (access === 'release') return 'licenses:release'
  if (access === 'ownKey') return 'keys:write'
  return access === 'licenseKey' || access === 'anyLicenseKey' ? 'public' : access
}

/** True if the route reads no `Authorization`: everybody may call it, with no credential or with one in the body. */
export function ignoresAuthorization({ access }: Pick<Route, 'access'>): boolean {
  return access === 'public' || access === 'licenseKey' || access === 'anyLicenseKey'
}

/** An input that core has not checked yet. A row passes it on to core; each of its fields has the type `never`. */
export type Unchecked<Shape> = { readonly [Name in keyof Shape]-?: never }

/** An input that is checked before the row runs, because core takes its fields as separate arguments. */
export interface CheckedInput<Shape> extends Input<Shape> {
  readonly isChecked: true
}

type AnyInput = Input<unknown> | undefined
type ShapeOf<Given extends AnyInput> = Given extends Input<infer Shape> ? Shape : undefined
type ReceivedOf<Given extends AnyInput> =
  Given extends CheckedInput<infer Shape> ? Shape : Unchecked<ShapeOf<Given>>

/** An admitted request, as a row of the table sees it. */
export interface RouteCall<Body = unknown, Query = unknown> {
  /** Licensing as the credential allows: it sees what the caller sees, and refuses what the caller may not do. */
  readonly licensing: RestrictedLicensing
  readonly request: Request
  readonly params: Readonly<Record<string, string>>
  /** The id of the app in the path; its slug or id unless an API key was shown. */
  readonly app: string
  readonly credential: Credential
  readonly body: Body
  readonly query: Query
  /** Counts one request against a limit other than the route's own; `null` if limits are off. */
  readonly consumeLimit: ConsumeLimit | null
  /** The key under which the sender's requests are counted. */
  readonly rateLimitKey: string
  /** Makes the URL of a link that signs in to the dashboard; `null` if none can. */
  readonly linkTo: ((path: string) => string) | null
}

/** A success response, for the OpenAPI document. */
export interface SuccessResponse {
  readonly description: string
  /** Default `application/json`. */
  readonly contentType?: string
  readonly schema?: JsonSchema
  readonly example?: unknown
}

/** One row of the route table. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below `/api/v1`, with parameters as `:name`. */
  readonly path: string
  readonly access: Access
  /** The limit that a request counts against, per address. A renewal by token has a limit of its own. */
  readonly limit?: Limit
  /** The limit that a request counts against, per license key. Only a good credential counts. */
  readonly licenseKeyLimit?: Limit
  /** The act as which the statistics of the app count a credential in the body that is refused. */
  readonly counts?: 'renew' | 'activate'
  /** True if the route reads `Heartwood-Client`, by which a program names itself. */
  readonly notesClient?: boolean
  readonly tag: string
  readonly operationId: string
  readonly summary: string
  readonly description: string
  readonly body?: Input<unknown>
  readonly bodyExample?: unknown
  readonly query?: Input<unknown>
  /** If the outcome is a license with its token: the license statuses for which a replay signs a new token. */
  readonly signs?: readonly LicenseStatus[]
  /** True for a POST without an Idempotency-Key, because nothing may keep its body or its outcome. */
  readonly ignoresIdempotencyKey?: true
  /** True if the outcome is a license key with its text, which a replay derives anew. */
  readonly showsLicenseKey?: boolean
  /** By status. */
  readonly responses: Readonly<Record<number, SuccessResponse>>
  /** Errors beyond those that access, path, body and query imply. */
  readonly errors?: readonly ErrorCode[]
  /** A permission that depends on the query. It sees raw values, because permission comes before validation. */
  permission?(query: Readonly<Record<string, unknown>>): Permission
  /** Calls the use case. A promise, unless storage gave the outcome at once. Under an Idempotency-Key the stored outcome of an earlier call may stand in for it. */
  run(call: RouteCall): unknown
  /** Makes the response from the use case's outcome. */
  respond(outcome: unknown, call: RouteCall): Reply | Promise<Reply>
}

interface TypedRoute<Body extends AnyInput, Query extends AnyInput, Outcome> extends Omit<
  Route,
  'body' | 'query' | 'run' | 'respond'
> {
  readonly body?: Body
  readonly query?: Query
  run(call: RouteCall<ReceivedOf<Body>, ReceivedOf<Query>>): Outcome | Promise<Outcome>
  respond(
    outcome: Outcome,
    call: RouteCall<Unchecked<ShapeOf<Body>>, Unchecked<ShapeOf<Query>>>,
  ): Reply | Promise<Reply>
}

/** Declares a row. The types of body, query and outcome are inferred from its fields. */
export function route<Outcome, Body extends AnyInput = undefined, Query extends AnyInput = undefined>(
  row: TypedRoute<Body, Query, Outcome>,
): Route {
  return row as unknown as Route
}

/** Marks an input to be checked before the row runs. */
export function checked<Shape>(input: Input<Shape>): CheckedInput<Shape> {
  return { ...input, isChecked: true }
}

function received(input: AnyInput, value: unknown): unknown {
  return input !== undefined && 'isChecked' in input ? input.parse(value) : value
}

/** Runs a row, after checking the inputs that it wants checked. @throws {LicensingError} */
export function runRoute(row: Route, call: RouteCall): unknown {
  const query = received(row.query, call.query)
  const body = received(row.body, call.body)
  // A copy costs as much as a check.
  return row.run(query === call.query && body === call.body ? call : { ...call, query, body })
}
