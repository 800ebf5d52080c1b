/**
 * A fault between a program and its license server.
 *
 * - `outage`: no connection.
 * - `timeout`: no response in time.
 * - `lost_answer`: the server does its work, but the response gets lost.
 * - `rate_limited`: the server's own 429, with a `Retry-After` of five minutes.
 * - `server_error`: the server's own 500.
 * - `captive_portal`: the 401 of a hotel network.
 * - `login_page`: the login page of a hotel network, with 200.
 * - `proxy_error`: the 400 of a proxy.
 * - `lookalike`: a 400 with JSON of another server that mentions a revoked license.
 */
export type Fault =
  | 'outage'
  | 'timeout'
  | 'lost_answer'
  | 'rate_limited'
  | 'server_error'
  | 'captive_portal'
  | 'login_page'
  | 'proxy_error'
  | 'lookalike'

const html = { 'content-type': 'text/html; charset=utf-8' }
const json = { 'content-type': 'application/json' }

function envelope(code: string, message: string): string {
  return JSON.stringify({ error: { code, message } })
}

const responses: Readonly<Partial<Record<Fault, () => Response>>> = {
  rate_limited: () =>
    new Response(envelope('rate_limited', 'Too many requests'), {
      status: 429,
      headers: { ...json, 'retry-after': '300' },
    }),
  server_error: () =>
    new Response(envelope('internal_error', 'Internal server error'), { status: 500, headers: json }),
  captive_portal: () =>
    new Response('<h1>Please sign in to use this network</h1>', { status: 401, headers: html }),
  login_page: () => new Response('<h1>Welcome to our hotel</h1>', { status: 200, headers: html }),
  proxy_error: () => new Response('<h1>400 Bad Request</h1>', { status: 400, headers: html }),
  lookalike: () => new Response('{"error":"license_revoked"}', { status: 400, headers: json }),
}

/** Responds as the fault does. @throws {DOMException} for a timeout. @throws {TypeError} without a connection. */
export async function respondWithFault(fault: Fault, handle: () => Promise<Response>): Promise<Response> {
  if (fault === 'lost_answer') await handle()
  if (fault === 'timeout') throw new DOMException('The operation timed out', 'TimeoutError')
  const response = responses[fault]
  if (response === undefined) throw new TypeError('fetch failed')
  return response()
}
