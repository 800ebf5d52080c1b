import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { IpAddress, WebhookRequest, WebhookResponse } from '../../src/webhooks/index.ts'

/** A `connect` that opens no connection and records every request. */
export interface Recorder {
  readonly sent: WebhookRequest[]
  readonly connect: (request: WebhookRequest) => Promise<WebhookResponse>
}

type Respond = (request: WebhookRequest) => Partial<WebhookResponse> | Promise<Partial<WebhookResponse>>

/** Responds with 204 by default. */
export function recorder(respond: Respond = () => ({})): Recorder {
  const sent: WebhookRequest[] = []
  return {
    sent,
    connect: async (request) => {
      sent.push(request)
      return { status: 204, retryAfter: null, ...(await respond(request)) }
    },
  }
}

/** Resolves every name to a public address. No test connects to it. */
export const somewhere = async (): Promise<IpAddress[]> => [{ address: '93.184.215.14', family: 4 }]

/** Waits up to `within` milliseconds for a condition. */
export async function eventually(isTrue: () => boolean | Promise<boolean>, within = 10_000): Promise<void> {
  const end = Date.now() + within
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`The condition is not true after ${within} ms`)
    await setTimeout(10)
  }
}

/** A receiver that listens on this machine. */
export interface Receiver {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

type Handle = (request: IncomingMessage, response: ServerResponse, body: string) => void

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks).toString('utf8')
}

export async function receiver(handle: Handle): Promise<Receiver> {
  const server: Server = createServer((request, response) => {
    void bodyOf(request).then(
      (body) => handle(request, response, body),
      () => {},
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    port,
    close: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
