import { connect, type Socket } from 'node:net'
import { quantile } from './measure.ts'

/** A request that is sent over and over, to a new path each time. */
export interface RequestTemplate {
  readonly port: number
  readonly method: 'GET' | 'POST' | 'PUT'
  /** Returns the path of the request with this number, counted from 0. */
  readonly path: (number: number) => string
  readonly headers?: Readonly<Record<string, string>>
  /** Returns the JSON body of the request with this number. */
  readonly body?: (number: number) => string
  /** The status of a response; 200 by default. */
  readonly status?: number
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
  const length = method === 'GET' ? '' : `content-length: ${encoder.encode(text).length}\r\n`
  return `${method} ${path(number)} HTTP/1.1\r\nhost: localhost\r\n${length}${lines.join('')}\r\n${text}`
}

/** True if the text holds a complete response. */
function isComplete(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return false
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1]
  if (length === undefined) return text.endsWith('0\r\n\r\n')
  return text.length >= end + 4 + Number(length)
}

/** A connection that sends one request after another. */
class Connection {
  readonly #socket: Socket
  #text = ''
  #settle: { resolve(response: string): void; reject(error: unknown): void } | undefined

  constructor({ port }: RequestTemplate) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('data', (chunk: Uint8Array) => this.#receive(decoder.decode(chunk)))
    this.#socket.on('error', (error) => this.#settle?.reject(error))
    this.#socket.on('close', () => this.#settle?.reject(new Error('The server closed the connection')))
  }

  #receive(chunk: string): void {
    this.#text += chunk
    if (!isComplete(this.#text)) return
    const response = this.#text
    this.#text = ''
    this.#settle?.resolve(response)
  }

  /** Resolves to the response. */
  send(text: string): Promise<string> {
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

/** The status of a response. */
function statusOf(response: string): number {
  return Number(response.slice(9, 12))
}

/** Sends requests over several connections at once, and measures the response times. @throws {Error} for another status. */
export async function sendLoad(
  template: RequestTemplate,
  { connections, milliseconds, pause = 0 }: LoadOptions,
): Promise<LoadResult> {
  const { status = 200 } = template
  const times: number[] = []
  const began = performance.now()
  const drive = async (connection: Connection): Promise<void> => {
    while (performance.now() - began < milliseconds) {
      const sent = performance.now()
      const response = await connection.send(requestText(template, times.length))
      if (statusOf(response) !== status)
        throw new Error(`The server responded with ${response.slice(0, 400)}`)
      times.push(performance.now() - sent)
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
  const open = Array.from({ length: connections }, () => new Connection(template))
  await Promise.all(open.map(drive))
  const seconds = (performance.now() - began) / 1000
  for (const connection of open) connection.close()
  return resultOf(times, seconds)
}

/** Sends this number of requests, each over a connection of its own, all at once. Resolves to the statuses of the responses. */
export async function sendAtOnce(template: RequestTemplate, count: number): Promise<readonly number[]> {
  const open = Array.from({ length: count }, () => new Connection(template))
  const responses = await Promise.all(
    open.map((connection, number) => connection.send(requestText(template, number))),
  )
  for (const connection of open) connection.close()
  return responses.map(statusOf)
}
