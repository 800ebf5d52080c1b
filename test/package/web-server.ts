import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Serves on a port of its own what `answer` makes; when that throws, the connection breaks, as in an outage. */
export async function listen(
  answer: (request: IncomingMessage, body: Buffer) => Promise<Response>,
): Promise<Server> {
  const reply = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const made = await answer(request, await readBody(request)).catch(() => null)
    if (made === null) return void request.socket.destroy()
    response
      .writeHead(made.status, Object.fromEntries(made.headers))
      .end(Buffer.from(await made.arrayBuffer()))
  }
  const server = createServer((request, response) => void reply(request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server
}

/** Where a server is, as a browser says it. */
export function originOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The request as a server's `fetch` takes it. */
export function toRequest(
  origin: string,
  { method = 'GET', url = '/', headers }: IncomingMessage,
  body: Buffer,
): Request {
  const given = Object.entries(headers).map(([name, value]) => [name, `${value}`] as [string, string])
  const hasBody = !['GET', 'HEAD'].includes(method)
  return new Request(origin + url, { method, headers: given, ...(hasBody && { body: new Uint8Array(body) }) })
}
