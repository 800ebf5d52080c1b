import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { urlHost } from './dashboard.ts'
import { CliError } from './errors.ts'
import type { ListenAddress } from './settings.ts'
import { jsonOf, type AsJson, type Output } from './terminal/output.ts'

/** The time that the server has to respond. */
const timeoutMs = 5_000

/** The response of `/api/health`, unless another program listens there. */
interface Health {
  readonly status?: unknown
  readonly version?: unknown
}

/** The origin of the server for a program beside it. Every address of the machine includes its loopback. */
function originOf({ host, port }: ListenAddress): string {
  if (port === 0)
    throw new CliError('A health check needs the port of the server: set PORT or --port, but not to 0')
  const near = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${urlHost(near)}:${port}`
}

/**
 * Requests the health of the server. `fetch` would ask the proxy that a container's variables name.
 *
 * @throws {CliError} if no server responds in time.
 */
async function ask(origin: string): Promise<readonly [status: number, body: string]> {
  const asking = request(`${origin}/api/health`, { agent: false, signal: AbortSignal.timeout(timeoutMs) })
  try {
    asking.end()
    const [response] = (await once(asking, 'response')) as [IncomingMessage]
    return [response.statusCode ?? 0, await text(response)]
  } catch (cause) {
    throw new CliError(`No server responds at ${origin}`, { cause })
  }
}

function readHealth(body: string): Health {
  try {
    return Object(JSON.parse(body)) as Health
  } catch {
    return {}
  }
}

/** Prints the health of the server on this machine. @throws {CliError} unless the server is healthy. */
export async function printHealth(address: ListenAddress, { json }: AsJson, output: Output): Promise<void> {
  const origin = originOf(address)
  const [status, body] = await ask(origin)
  const health = readHealth(body)
  if (health.status === 'error') throw new CliError(`The storage of the server at ${origin} does not respond`)
  if (status !== 200 || health.status !== 'ok')
    throw new CliError(`The program at ${origin} is no Heartwood server: it responds with ${status}`)
  output.line(json ? jsonOf(health) : `Heartwood ${String(health.version)} at ${origin} is healthy`)
}
