/** An answer before it is sent: its headers are put together once, at the end, since each that is added later costs. */
export interface Reply {
  readonly status: number
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array<ArrayBuffer> | null
}

/** A JSON answer with the same bytes of a content type on every runtime. */
export function json(body: unknown, status = 200, headers: Reply['headers'] = {}): Reply {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

/** An answer without a body. */
export function empty(status: number, headers: Reply['headers'] = {}): Reply {
  return { status, headers, body: null }
}
