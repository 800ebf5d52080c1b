import type { Listing } from '../../core/paging.ts'
import { toWire } from './wire.ts'

/** A response before it is sent. Its headers are joined once, at the end: each later change to `Headers` costs time. */
export interface Reply {
  readonly status: number
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array<ArrayBuffer> | null
}

const jsonType = { 'content-type': 'application/json' }

/** A JSON response. The content type has the same bytes on every runtime. */
export function json(body: unknown, status = 200, headers?: Reply['headers']): Reply {
  const own = headers === undefined ? jsonType : { ...jsonType, ...headers }
  return { status, headers: own, body: JSON.stringify(body) }
}

/** A response without a body. */
export function empty(status: number, headers: Reply['headers'] = {}): Reply {
  return { status, headers, body: null }
}

/** 200 with `{"data": …}` for one resource. */
export function one(value: object): Reply {
  return json({ data: toWire(value) })
}

/** 201 with `{"data": …}` for a new resource. */
export function created(value: object): Reply {
  return json({ data: toWire(value) }, 201)
}

/** 200 with `{"data": […], "meta": …}` for a page of a list. */
export function many({ data, ...meta }: Listing<object>): Reply {
  return json({ data: data.map(toWire), meta: toWire(meta) })
}

/** 204, for a resource that was deleted. */
export function noContent(): Reply {
  return empty(204)
}
