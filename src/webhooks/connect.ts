import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { IpAddress } from './ip-address.ts'

/** One POST request to one name. */
export interface WebhookRequest {
  readonly url: URL
  /** The first of `addresses`. */
  readonly address: IpAddress
  /**
   * The checked addresses of the name, at least one, in the order of preference. The request must connect to one of them, even
   * if the name in the URL now leads elsewhere.
   */
  readonly addresses: readonly [IpAddress, ...IpAddress[]]
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

/** A look-up that always returns the checked addresses. */
function fixedLookup(addresses: WebhookRequest['addresses']): Lookup {
  const [{ address, family }] = addresses
  return (_hostname, options, callback) => {
    if (options.all === true) callback(null, [...addresses])
    else callback(null, address, family)
  }
}

/** Milliseconds until the next address gets its turn. All of them get one within the time limit of an attempt. */
function turnOf(addresses: readonly IpAddress[]): number {
  return Math.min(2_000, Math.floor(10_000 / addresses.length))
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

/**
 * Uses `node:http` and `node:https`, because they accept fixed addresses on every runtime. If an address accepts no connection,
 * they try the next one. Once connected, they stay.
 */
export const connect: Connect = ({ url, addresses, headers, body, signal }) =>
  new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? requestHttps : requestHttp
    const options = {
      method: 'POST',
      agent: false,
      lookup: fixedLookup(addresses),
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: turnOf(addresses),
      headers,
    } as const
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
