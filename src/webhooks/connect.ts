import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { IpAddress } from './ip-address.ts'

/** One POST request to one address. */
export interface WebhookRequest {
  readonly url: URL
  /** The checked address. The request must connect to it, even if the name in the URL now leads elsewhere. */
  readonly address: IpAddress
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Ends the request at once. A status that has arrived by then still counts. */
  readonly signal: AbortSignal
}

/** The part of a response that decides how the delivery goes on. */
export interface WebhookResponse {
  readonly status: number
  /** The `Retry-After` header. */
  readonly retryAfter: string | null
}

/** Sends one request. It follows no redirect and may stop reading the response early. */
export type Connect = (request: WebhookRequest) => Promise<WebhookResponse>

const maxBytesRead = 65_536

type Lookup = NonNullable<RequestOptions['lookup']>

/** A look-up that always returns the checked address. */
function fixedLookup({ address, family }: IpAddress): Lookup {
  return (_hostname, options, callback) => {
    if (options.all === true) callback(null, [{ address, family }])
    else callback(null, address, family)
  }
}

/** Reads the body to its end or to the limit, so that the receiver can finish its work. */
async function readBody(message: IncomingMessage): Promise<void> {
  let read = 0
  try {
    for await (const chunk of message) {
      read += (chunk as Uint8Array).length
      if (read > maxBytesRead) break
    }
  } catch {
    // The status has arrived, so a broken body changes nothing.
  }
  message.destroy()
}

function toResponse({ statusCode = 0, headers }: IncomingMessage): WebhookResponse {
  return { status: statusCode, retryAfter: headers['retry-after'] ?? null }
}

/** Uses `node:http` and `node:https`, because they accept a fixed address on every runtime. */
export const connect: Connect = ({ url, address, headers, body, signal }) =>
  new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? requestHttps : requestHttp
    const options = { method: 'POST', agent: false, lookup: fixedLookup(address), headers } as const
    let response: IncomingMessage | undefined
    const request = send(url.href, options, (message) => {
      response = message
      resolve(readBody(message).then(() => toResponse(message)))
    })
    const abort = (): void => {
      response?.destroy()
      request.destroy(new Error('The request was aborted'))
    }
    request.on('error', reject)
    // A receiver that changes the protocol (101) closes the request without a response.
    request.on('close', () => {
      // A listener left behind would keep the request and its body in memory until the server stops.
      signal.removeEventListener('abort', abort)
      if (response === undefined) reject(new Error('Closed without a response'))
    })
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    request.end(body)
  })
