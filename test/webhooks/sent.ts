import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { Address, Connection, Received } from '../../src/webhooks/index.ts'

/** A connector that connects to nothing, and remembers what it was asked. */
export interface Recorder {
  readonly sent: Connection[]
  readonly connect: (connection: Connection) => Promise<Received>
}

export function recorder(
  answer: (connection: Connection) => Partial<Received> | Promise<Partial<Received>> = () => ({}),
): Recorder {
  const sent: Connection[] = []
  return {
    sent,
    connect: async (connection) => {
      sent.push(connection)
      return { status: 204, retryAfter: null, ...(await answer(connection)) }
    },
  }
}

/** An address that is public, and that no test connects to. */
export const somewhere = async (): Promise<Address[]> => [{ address: '93.184.215.14', family: 4 }]

/** Waits until something holds. */
export async function eventually(holds: () => boolean | Promise<boolean>, within = 10_000): Promise<void> {
  const end = Date.now() + within
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`Still not so after ${within} ms`)
    await setTimeout(10)
  }
}

/** A receiver that listens. */
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
