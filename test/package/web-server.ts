import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Starts a server on a free port. If `respond` throws, the connection breaks, as in an outage. */
export async function listen(
  respond: (request: IncomingMessage, body: Buffer) => Promise<Response>,
): Promise<Server> {
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const made = await respond(request, await readBody(request)).catch(() => null)
    if (made === null) return void request.socket.destroy()
    response
      .writeHead(made.status, Object.fromEntries(made.headers))
      .end(Buffer.from(await made.arrayBuffer()))
  }
  const server = createServer((request, response) => void handle(request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server
}

/** The origin of a server, such as `http://127.0.0.1:4000`. */
export function originOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Converts a Node request to the `Request` of `fetch` handlers. */
export function toRequest(
  origin: string,
  { method = 'GET', url = '/', headers }: IncomingMessage,
  body: Buffer,
): Request {
  const entries = Object.entries(headers).map(([name, value]) => [name, `${value}`] as [string, string])
  const hasBody = !['GET', 'HEAD'].includes(method)
  return new Request(origin + url, { method, headers: entries, body: hasBody ? new Uint8Array(body) : null })
}
