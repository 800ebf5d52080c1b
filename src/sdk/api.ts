import type { Listing, Paging } from '../core/paging.ts'
import type { Call } from './call.ts'
import { queryString } from './path.ts'
import { recast } from './remote-error.ts'
import { readNothing, readOne, readPage } from './response.ts'
import { toWire } from './wire.ts'

/** The path below which the resources lie. */
const basePath = '/api/v1'

/** The parts of a call that most calls have alike. By default the result is one resource. */
type Extra<Result> = Partial<Omit<Call<Result>, 'method' | 'path' | 'body'>>

/** The calls that resources are made of. Paths are below `/api/v1`; queries and bodies have core's names. */
export interface Api {
  get<Result>(path: string, query?: object, extra?: Extra<Result>): Promise<Result>
  list<Item>(path: string, query?: Paging): Promise<Listing<Item>>
  post<Result>(path: string, body?: object, extra?: Extra<Result>): Promise<Result>
  put<Result>(path: string, body: object): Promise<Result>
  delete(path: string): Promise<void>
}

/** Looks up what cannot be an address or an id: the API finds it malformed, but core does not find it. */
export async function orNotFound<Result>(lookUp: Promise<Result>, message: string): Promise<Result> {
  return lookUp.catch((error: unknown) =>
    recast(error, ({ code }) => code === 'validation_error', 'not_found', message),
  )
}

/** `call` takes the path below the address of the server. Whatever is wrong with an input rejects. */
export function apiOf(call: <Result>(given: Call<Result>) => Promise<Result>): Api {
  const get = async <Result>(path: string, query: object = {}, extra?: Extra<Result>): Promise<Result> =>
    call({
      method: 'GET',
      path: basePath + path + queryString(toWire(query)),
      read: readOne<Result>,
      ...extra,
    })
  const send = async <Result>(
    method: 'POST' | 'PUT',
    path: string,
    body: object,
    extra?: Extra<Result>,
  ): Promise<Result> =>
    call({ method, path: basePath + path, body: toWire(body), read: readOne<Result>, ...extra })
  return {
    get,
    list: <Item>(path: string, query?: Paging) => get(path, query, { read: readPage<Item> }),
    post: (path, body = {}, extra) => send('POST', path, body, extra),
    put: (path, body) => send('PUT', path, body),
    delete: (path) => call({ method: 'DELETE', path: basePath + path, read: readNothing }),
  }
}
