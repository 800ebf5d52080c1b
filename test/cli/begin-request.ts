import { once } from 'node:events'
import { connect } from 'node:net'
import type { RunningServer } from './heartwood.ts'

/** Sends the first byte of a body. Resolves to a function that sends the rest and resolves to the response. */
export async function beginRequest(
  { url, key }: RunningServer,
  path: string,
  body: string,
): Promise<() => Promise<string>> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  let response = ''
  socket.on('data', (chunk) => (response += String(chunk)))
  const closed = once(socket, 'close')
  const headers = [`host: ${hostname}`, `authorization: Bearer ${key}`, `content-length: ${body.length}`]
  socket.write(
    `POST /api/v1${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\nconnection: close\r\n\r\n${body[0]}`,
  )
  await once(socket, 'connect')
  return async () => {
    socket.write(body.slice(1))
    await closed
    return response
  }
}
