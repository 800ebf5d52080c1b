import { connect, type Socket } from 'node:net'
import { quantile } from './measure.ts'

/** A request that is sent over and over, to a new path each time. */
export interface RequestTemplate {
  readonly port: number
  readonly method: 'GET' | 'POST'
  /** Returns the path of the request with this number, counted from 0. */
  readonly path: (number: number) => string
  readonly headers?: Readonly<Record<string, string>>
  /** Returns the JSON body of the request with this number. */
  readonly body?: (number: number) => string
}

/** The number of connections, and the time between their requests. */
export interface LoadOptions {
  readonly connections: number
  /** The duration of the load, in milliseconds. */
  readonly milliseconds: number
  /** The rest of a connection after each response, in milliseconds. */
  readonly pause?: number
}

/** The result of one round. */
export interface LoadResult {
  readonly requests: number
  readonly perSecond: number
  /** The median response time, in milliseconds. */
  readonly p50: number
  /** The 99th percentile of the response times, in milliseconds. */
  readonly p99: number
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

function requestText({ method, path, headers = {}, body }: RequestTemplate, number: number): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const text = body?.(number) ?? ''
  const length = method === 'POST' ? `content-length: ${encoder.encode(text).length}\r\n` : ''
  return `${method} ${path(number)} HTTP/1.1\r\nhost: localhost\r\n${length}${lines.join('')}\r\n${text}`
}

/** True if the text holds a complete response. @throws {Error} if its status is not 200. */
function isComplete(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return false
  if (!text.startsWith('HTTP/1.1 200')) throw new Error(`The server responded with ${text.slice(0, 400)}`)
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1]
  if (length === undefined) return text.endsWith('0\r\n\r\n')
  return text.length >= end + 4 + Number(length)
}

/** A connection that sends one request after another. */
class Connection {
  readonly #socket: Socket
  #text = ''
  #settle: { resolve(): void; reject(error: unknown): void } | undefined

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('data', (chunk: Uint8Array) => this.#receive(decoder.decode(chunk)))
    this.#socket.on('error', (error) => this.#settle?.reject(error))
    this.#socket.on('close', () => this.#settle?.reject(new Error('The server closed the connection')))
  }

  #receive(chunk: string): void {
    this.#text += chunk
    try {
      if (!isComplete(this.#text)) return
      this.#text = ''
      this.#settle?.resolve()
    } catch (error) {
      this.#settle?.reject(error)
    }
  }

  send(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.#socket.write(encoder.encode(text))
    })
  }

  close(): void {
    this.#settle = undefined
    this.#socket.destroy()
  }
}

function resultOf(times: readonly number[], seconds: number): LoadResult {
  const sorted = times.toSorted((a, b) => a - b)
  return {
    requests: times.length,
    perSecond: times.length / seconds,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
  }
}

/** Sends requests over several connections at once, and measures the response times. */
export async function sendLoad(
  template: RequestTemplate,
  { connections, milliseconds, pause = 0 }: LoadOptions,
): Promise<LoadResult> {
  const times: number[] = []
  const began = performance.now()
  const drive = async (connection: Connection): Promise<void> => {
    while (performance.now() - began < milliseconds) {
      const sent = performance.now()
      await connection.send(requestText(template, times.length))
      times.push(performance.now() - sent)
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
  const open = Array.from({ length: connections }, () => new Connection(template.port))
  await Promise.all(open.map(drive))
  const seconds = (performance.now() - began) / 1000
  for (const connection of open) connection.close()
  return resultOf(times, seconds)
}
