import type { Principal } from '../../core/api-keys/principal.ts'
import type { Input } from '../../core/input/parse.ts'
import type { LicenseStatus } from '../../core/licenses/view.ts'
import type { Licensing } from '../../core/licensing.ts'
import type { Listing } from '../../core/paging.ts'
import type { ErrorCode } from './errors.ts'
import type { Limit } from './rate-limit.ts'
import { empty, json, type Reply } from './reply.ts'
import { toWire, type JsonSchema } from './wire.ts'

/**
 * Who may call a route: anybody; a key that may read (`pk_` or `sk_`); a key that may write (`sk_`), create apps or manage
 * keys; or, for `renewal`, a key that may write or the license's own token in the body.
 */
export type Access = 'public' | 'read' | 'write' | 'apps' | 'keys' | 'renewal'

/** What a route works with once its checks have passed. Core checks `body` and `query` itself. */
export interface Call<Body = unknown, Query = unknown> {
  readonly licensing: Licensing
  readonly request: Request
  readonly params: Readonly<Record<string, string>>
  /** The app of the path: its id, as the caller may see it; on a public route its slug. */
  readonly app: string
  /** The key that was shown, `null` on public routes and for a renewal by token. */
  readonly principal: Principal | null
  readonly body: Body
  readonly query: Query
  /** Counts against a limit beside the route's own. @throws {HttpError} `rate_limited`. */
  readonly charge: (limit: Limit, whom: string) => Promise<void>
}

/** What a route answers when all goes well, for the OpenAPI document. */
export interface SuccessAnswer {
  readonly description: string
  /** `application/json` unless said otherwise. */
  readonly contentType?: string
  readonly schema?: JsonSchema
  readonly example?: unknown
}

/** One row of the route table. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below `/api/v1`, parameters as `:name`. */
  readonly path: string
  readonly access: Access
  /** What it counts against per address; a renewal by token counts by itself. */
  readonly limit?: Limit
  readonly tag: string
  readonly operationId: string
  readonly summary: string
  readonly description: string
  readonly body?: Input<unknown>
  /** An example of the body. */
  readonly bodyExample?: unknown
  readonly query?: Input<unknown>
  /** Statuses of a license that it signs for, if its outcome is a license with its token: a replay signs anew. */
  readonly signs?: readonly LicenseStatus[]
  /** By status. */
  readonly answers: Readonly<Record<number, SuccessAnswer>>
  /** Errors beside those that access, path, body and query bring. */
  readonly errors?: readonly ErrorCode[]
  /** The work, in core's words. A POST's may be replaced by its kept answer: see Idempotency-Key. */
  run(call: Call): Promise<unknown>
  /** The work's outcome as an answer. */
  answer(outcome: unknown, call: Call): Reply | Promise<Reply>
}

interface TypedRoute<Body, Query, Outcome> extends Omit<Route, 'body' | 'query' | 'run' | 'answer'> {
  readonly body?: Input<Body>
  readonly query?: Input<Query>
  run(call: Call<Body, Query>): Promise<Outcome>
  answer(outcome: Outcome, call: Call<Body, Query>): Reply | Promise<Reply>
}

/** Writes a row down with its body, query and outcome typed after one another. */
export function route<Outcome, Body = undefined, Query = undefined>(
  row: TypedRoute<Body, Query, Outcome>,
): Route {
  return row as unknown as Route
}

/** `{"data": …}` of one resource. */
export function one(value: object): Reply {
  return json({ data: toWire(value) })
}

/** The same with 201, for what was just made. */
export function created(value: object): Reply {
  return json({ data: toWire(value) }, 201)
}

/** `{"data": […], "meta": …}` of a page. */
export function many({ data, ...meta }: Listing<object>): Reply {
  return json({ data: data.map(toWire), meta: toWire(meta) })
}

export function noContent(): Reply {
  return empty(204)
}

/** The key that asks, for the use cases that go by it. */
export function asker(principal: Principal | null): { readonly by?: Principal } {
  return principal === null ? {} : { by: principal }
}
