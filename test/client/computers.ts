import {
  createLicenseClient,
  LicensingError,
  memoryStore,
  type LicenseClient,
  type LicenseClientOptions,
  type LicenseStore,
} from '../../src/client/index.ts'
import type { TestServer } from '../../src/testing/server.ts'

/** A program on a computer. */
export interface Computer {
  readonly client: LicenseClient
  readonly store: LicenseStore
  /** The options for another start of the program. */
  readonly given: LicenseClientOptions
}

/** Opens a program on a computer with a store of its own, which makes no request by itself. */
export async function open(
  server: TestServer,
  options: Partial<LicenseClientOptions> = {},
): Promise<Computer> {
  const { store = memoryStore() } = options
  const given = { ...(await server.clientOptions()), background: false, ...options, store }
  return { client: await createLicenseClient(given), store, given }
}

/** The end of a call: its state, or the code of its error. */
export async function endOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    (license) => String((license as { readonly state?: string }).state),
    (error: unknown) => (error instanceof LicensingError ? error.code : `${error}`),
  )
}

/** The number of seats of a license key that the server counts. */
export async function seatsTaken({ licensing, app }: TestServer, id: string): Promise<number> {
  return (await licensing.licenseKeys.get(app, id)).seatsUsed
}

/** The part of a license that its user sees. */
export function shown({ license: { state, code, action } }: LicenseClient): readonly unknown[] {
  return [state, code, action]
}
