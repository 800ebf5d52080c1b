import type { Listing, Paging } from '../core/paging.ts'
import type { Call } from './call.ts'
import { queryString } from './path.ts'
import { RemoteError } from './remote-error.ts'
import { readNothing, readOne, readPage } from './response.ts'
import { toWire } from './wire.ts'

/** The path below which the resources lie. */
const basePath = '/api/v1'

/** The calls that resources are made of. Paths are below `/api/v1`; queries and bodies have core's names. */
export interface Api {
  get<Result>(path: string, query?: object): Promise<Result>
  list<Item>(path: string, query?: Paging): Promise<Listing<Item>>
  post<Result>(path: string, body?: object): Promise<Result>
  put<Result>(path: string, body: object): Promise<Result>
  delete(path: string): Promise<void>
  /** A call that none of the others covers. */
  call<Result>(call: Call<Result>): Promise<Result>
}

/** The API finds what cannot be an address or an id malformed. Core does not find it. */
export async function orNotFound<Result>(lookUp: Promise<Result>, message: string): Promise<Result> {
  return lookUp.catch((error: unknown) => {
    if (!(error instanceof RemoteError) || error.code !== 'validation_error') throw error
    const { status, requestId } = error
    throw new RemoteError('not_found', message, { status, requestId })
  })
}

/** A path with its query, by core's names. */
export function withQuery(path: string, query: object = {}): string {
  return path + queryString(toWire(query))
}

/** `makeCall` is given the path below the address of the server. Whatever is wrong with an input rejects. */
export function apiOf(makeCall: <Result>(call: Call<Result>) => Promise<Result>): Api {
  const call: Api['call'] = (given) => makeCall({ ...given, path: basePath + given.path })
  return {
    call,
    get: async <Result>(path: string, query?: object) =>
      call({ method: 'GET', path: withQuery(path, query), read: readOne<Result> }),
    list: async <Item>(path: string, query?: Paging) =>
      call({ method: 'GET', path: withQuery(path, query), read: readPage<Item> }),
    post: async <Result>(path: string, body: object = {}) =>
      call({ method: 'POST', path, body: toWire(body), read: readOne<Result> }),
    put: async <Result>(path: string, body: object) =>
      call({ method: 'PUT', path, body: toWire(body), read: readOne<Result> }),
    delete: (path) => call({ method: 'DELETE', path, read: readNothing }),
  }
}
