/**
 * What stands between a program and its license server. `outage`: no connection. `timeout`: no answer in time.
 * `lost_answer`: the server does what it was asked, and its answer gets lost. `rate_limited`: the server's own 429, for five
 * minutes. `server_error`: a 500 of the server. `captive_portal`: a hotel's 401. `login_page`: the same with 200.
 * `proxy_error`: a proxy's 400. `lookalike`: somebody else's JSON that speaks of a revoked license.
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

const answers: Readonly<Partial<Record<Fault, () => Response>>> = {
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

/** Answers as the fault does, or throws as `fetch` then throws. */
export async function suffer(fault: Fault, handle: () => Promise<Response>): Promise<Response> {
  if (fault === 'lost_answer') await handle()
  if (fault === 'timeout') throw new DOMException('The operation timed out', 'TimeoutError')
  const answer = answers[fault]
  if (answer === undefined) throw new TypeError('fetch failed')
  return answer()
}
