import { createLicenseClient, type LicenseClient, type LicenseClientOptions } from '../../src/client/index.ts'
import { createTestServer, type TestServer } from '../../src/testing/server.ts'

/** A client that holds a license without end, and the server of that license. */
export interface LicensedClient {
  readonly server: TestServer
  readonly client: LicenseClient
  readonly id: string
  readonly token: string
}

export async function openLicensedClient(
  options: Partial<LicenseClientOptions> = {},
  features: readonly string[] = [],
): Promise<LicensedClient> {
  const server = await createTestServer({ features })
  const { id, token } = await server.issue({ forever: true })
  const client = await createLicenseClient({ ...(await server.clientOptions()), token, ...options })
  return { server, client, id, token }
}

/** A promise that resolves when the test says so. */
export interface Gate {
  readonly opened: Promise<void>
  readonly open: () => void
}

export function createGate(): Gate {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}

/** Counts the requests for a new token. */
export function countRenewals({ requests }: TestServer): number {
  return requests.filter(({ method }) => method === 'POST').length
}

/** Ends every wait of exactly `milliseconds` at once, for as long as `work` runs. Returns the number of such waits. */
export async function withShortWaits(milliseconds: number, work: () => Promise<void>): Promise<number> {
  const { setTimeout } = globalThis
  let waits = 0
  const shortened = (call: () => void, delay: number): unknown => {
    if (delay !== milliseconds) return setTimeout(call, delay)
    waits += 1
    return setTimeout(call, 0)
  }
  globalThis.setTimeout = shortened as typeof setTimeout
  try {
    await work()
  } finally {
    globalThis.setTimeout = setTimeout
  }
  return waits
}

/** Rejects if `work` ends only at a time limit of the client, of which the shortest is five seconds. */
export async function beforeLimits<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('It waits for a time limit')), 4_000)
  })
  return Promise.race([work, limit]).finally(() => clearTimeout(timer))
}
