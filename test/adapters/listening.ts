import { connect } from 'node:net'
import { connectionTimeouts, startListener, type ConnectionTimeouts } from '../../src/cli/listener.ts'
import type { TestServer } from './test-server.ts'

/** A server on a port of this machine. */
export interface Listening {
  readonly port: number
  readonly origin: string
  /** Writes text to a socket. Resolves to all that the server sends until it closes the socket. */
  exchange(text: string): Promise<string>
}

/** Writes text to a port. Resolves to all that the server sends until it closes the socket. */
export function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(text))
    socket.setTimeout(5_000, () => socket.destroy(new Error(`No response to ${text}`)))
    socket.on('data', (chunk) => (received += chunk.toString('latin1')))
    socket.on('close', () => resolve(received))
    socket.on('error', (error) => (received === '' ? reject(error) : resolve(received)))
  })
}

/** Listens as the command line does, while `work` runs. */
export async function whileListening(
  server: Pick<TestServer, 'fetch'>,
  work: (listening: Listening) => Promise<void>,
  timeouts: ConnectionTimeouts = connectionTimeouts,
): Promise<void> {
  const address = { port: 0, host: '127.0.0.1' }
  const listener = await startListener({ fetch: (request) => server.fetch(request) }, address, timeouts)
  const port = Number(new URL(listener.url).port)
  try {
    await work({ port, origin: `http://127.0.0.1:${port}`, exchange: (text) => exchange(port, text) })
  } finally {
    await listener.close({ cut: true })
  }
}

/** The bytes of an HTTP/1.1 request that closes its connection. */
export function rawRequest(line: string, headers: readonly string[] = [], body = ''): string {
  return [`${line} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers, '', body].join('\r\n')
}
