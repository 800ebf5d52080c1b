import { bindClient, type LicensingClient } from '../../src/sdk/licensing-client.ts'
import { readOptions, type LicensingClientOptions } from '../../src/sdk/options.ts'

/** A secret that must show nowhere but in its header. */
export const secret = 'sk_live_0123456789abcdefghijklmnopqrst'

/** One request, as `fetch` got it. */
export interface Sent {
  readonly method: string
  /** The path with its query. */
  readonly path: string
  readonly headers: Headers
  readonly body: string | null
  readonly init: RequestInit
}

export interface Recorder {
  readonly client: LicensingClient
  readonly sent: Sent[]
  /** The pauses between attempts, in milliseconds. They take no time. */
  readonly pauses: number[]
}

type Respond = (sent: Sent, count: number) => Response | Promise<Response>

/** A client whose requests end in `respond`, and whose pauses take no time. `chance` is its random number. */
export function recorder(
  respond: Respond,
  options: Partial<LicensingClientOptions> = {},
  chance = 0,
): Recorder {
  const sent: Sent[] = []
  const pauses: number[] = []
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const { pathname, search } = new URL(url)
    const { method = 'GET', body = null } = init
    const request = { method, path: pathname + search, headers: new Headers(init.headers), init }
    sent.push({ ...request, body: body as string | null })
    return respond(sent.at(-1)!, sent.length)
  }
  const given = { baseUrl: 'https://licenses.example.com', apiKey: secret, fetch, ...options }
  const pacing = {
    random: () => chance,
    pause: async (milliseconds: number) => void pauses.push(milliseconds),
  }
  return {
    client: bindClient({ ...readOptions(given as LicensingClientOptions), pacing }),
    sent,
    pauses,
  }
}

/** A JSON response. */
export function json(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  })
}

/** The response of a refusal, as the API has it. */
export function refusal(
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return json({ error: { code, message: `It is ${code}` } }, status, {
    'x-request-id': 'request-1',
    ...headers,
  })
}
