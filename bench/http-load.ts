import { connect, type Socket } from 'node:net'
import { quantile } from './measure.ts'

/** A request to send over and over. */
export interface Target {
  readonly port: number
  readonly method: 'GET' | 'POST'
  /** A path for each request, asked for its number. */
  readonly path: (number: number) => string
  readonly headers?: Readonly<Record<string, string>>
}

/** How the requests of one round went. */
export interface Load {
  readonly requests: number
  readonly perSecond: number
  /** In milliseconds. */
  readonly p50: number
  readonly p99: number
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

function requestText({ method, path, headers = {} }: Target, number: number): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const length = method === 'POST' ? 'content-length: 0\r\n' : ''
  return `${method} ${path(number)} HTTP/1.1\r\nhost: localhost\r\n${length}${lines.join('')}\r\n`
}

/** Whether a whole answer has arrived. @throws for any but a good one. */
function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return false
  if (!text.startsWith('HTTP/1.1 200')) throw new Error(`The server answered ${text.slice(0, 400)}`)
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1]
  if (length === undefined) return text.endsWith('0\r\n\r\n')
  return text.length >= end + 4 + Number(length)
}

/** One connection, on which one request follows another. */
class Line {
  readonly #socket: Socket
  #text = ''
  #settle: { resolve(): void; reject(error: unknown): void } | undefined

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('data', (chunk: Uint8Array) => this.#receive(decoder.decode(chunk)))
    this.#socket.on('error', (error) => this.#settle?.reject(error))
    this.#socket.on('close', () => this.#settle?.reject(new Error('The server hung up')))
  }

  #receive(chunk: string): void {
    this.#text += chunk
    try {
      if (!isWhole(this.#text)) return
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

/** Sends requests over so many connections at once for so long, each resting `pause` milliseconds in between. */
export async function load(
  target: Target,
  { connections, milliseconds, pause = 0 }: { connections: number; milliseconds: number; pause?: number },
): Promise<Load> {
  const times: number[] = []
  const began = performance.now()
  const drive = async (line: Line): Promise<void> => {
    while (performance.now() - began < milliseconds) {
      const sent = performance.now()
      await line.send(requestText(target, times.length))
      times.push(performance.now() - sent)
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
  const lines = Array.from({ length: connections }, () => new Line(target.port))
  await Promise.all(lines.map(drive))
  const seconds = (performance.now() - began) / 1000
  for (const line of lines) line.close()
  const sorted = times.toSorted((a, b) => a - b)
  return {
    requests: times.length,
    perSecond: times.length / seconds,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
  }
}
