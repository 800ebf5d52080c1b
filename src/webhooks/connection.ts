import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Address } from './address.ts'

/** One request to one address. */
export interface Connection {
  readonly url: URL
  /** The judged address: nothing else may be connected to, whatever the URL's name says. */
  readonly address: Address
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Ends the request, whatever it waits for; a status that has come by then is still the answer. */
  readonly signal: AbortSignal
}

/** What came back. */
export interface Received {
  readonly status: number
  readonly retryAfter: string | null
}

/** Sends one request, follows nothing, and reads no more of the answer than it must. */
export type Connect = (connection: Connection) => Promise<Received>

const readAtMost = 65_536

type Lookup = NonNullable<RequestOptions['lookup']>

/** Answers every question for an address with the one that was judged. */
function fixedLookup({ address, family }: Address): Lookup {
  return (_hostname, options, callback) => {
    if (options.all === true) callback(null, [{ address, family }])
    else callback(null, address, family)
  }
}

/** Reads the answer to its end or to the limit, so that a receiver is not cut off before it has finished. */
async function readOut(answer: IncomingMessage): Promise<void> {
  let read = 0
  try {
    for await (const chunk of answer) {
      read += (chunk as Uint8Array).length
      if (read > readAtMost) break
    }
  } catch {
    // The status has come: what is wrong with the rest changes nothing.
  }
  answer.destroy()
}

function received({ statusCode = 0, headers }: IncomingMessage): Received {
  return { status: statusCode, retryAfter: headers['retry-after'] ?? null }
}

/** Connects by `node:http` and `node:https`, which can be told the address on every runtime. */
export const connect: Connect = ({ url, address, headers, body, signal }) =>
  new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? requestHttps : requestHttp
    const options = { method: 'POST', agent: false, lookup: fixedLookup(address), headers } as const
    let answered: IncomingMessage | undefined
    const sent = request(url.href, options, (answer) => {
      answered = answer
      resolve(readOut(answer).then(() => received(answer)))
    })
    const end = (): void => {
      answered?.destroy()
      sent.destroy(new Error('The time is over'))
    }
    sent.on('error', reject)
    // A receiver that changes the protocol (101) ends the request without a word.
    sent.on('close', () => {
      // A listener that stays would keep the request, answer and body of every attempt.
      signal.removeEventListener('abort', end)
      if (answered === undefined) reject(new Error('Closed without an answer'))
    })
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
    sent.end(body)
  })
