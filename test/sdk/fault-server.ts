import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request that reached a faulty server. */
export interface Arrival {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly body: Buffer
  /** The number of this request, from 1. */
  readonly count: number
}

/** A server on a port that does whatever `respond` does with the socket, while `work` runs. */
export async function whileFaulty(
  respond: (arrival: Arrival) => unknown,
  work: (origin: string, arrivals: readonly Arrival[]) => Promise<void>,
): Promise<void> {
  const arrivals: Arrival[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const arrival = { request, response, body: Buffer.concat(chunks), count: arrivals.length + 1 }
      arrivals.push(arrival)
      respond(arrival)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, arrivals)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

/** The request as a handler of `fetch` gets it. */
export function forwarded({ request, body }: Arrival): Request {
  const { method = 'GET', url = '/' } = request
  const headers = Object.entries(request.headers).map(
    ([name, value]) => [name, String(value)] as [string, string],
  )
  const hasBody = method !== 'GET' && method !== 'HEAD'
  return new Request(`http://localhost${url}`, {
    method,
    headers,
    body: hasBody ? new Uint8Array(body) : null,
  })
}

/** Sends a response of `fetch` on. */
export async function passOn(response: Response, to: ServerResponse): Promise<void> {
  to.writeHead(response.status, Object.fromEntries(response.headers))
  to.end(Buffer.from(await response.arrayBuffer()))
}
