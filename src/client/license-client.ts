import type { LicenseSeat } from './activation.ts'
import type { ClientEvents } from './events.ts'
import type { ClientLicense } from './license.ts'

/**
 * The license of this program, kept fresh.
 *
 * @example
 * ```ts
 * import { LicensingError, type LicenseClient } from 'heartwood/client'
 *
 * export async function enterToken(client: LicenseClient, pasted: string): Promise<string> {
 *   try {
 *     const { state, reason } = await client.setToken(pasted)
 *     return `${state}: ${reason}`
 *   } catch (error) {
 *     if (error instanceof LicensingError && error.code === 'invalid_token') return error.message
 *     throw error
 *   }
 * }
 * ```
 */
export interface LicenseClient<Feature extends string = string> {
  /** The license at this moment, by the verified token alone. It makes no request and does not wait. */
  readonly license: ClientLicense<Feature>
  /**
   * Takes in a token that the user entered, without what mail and chat add: white space, invisible characters, quotes,
   * brackets, a code fence, a dot. Between two tokens of a license the one with the higher revision wins.
   * @throws {LicensingError} `invalid_token` if no trusted key signed it for this program; nothing changes then. The message
   * says if the token was cut off, or is for another app.
   */
  setToken(token: string): Promise<ClientLicense<Feature>>
  /**
   * Asks the server for a new token now, or with `ifDue` only if it is time to. Never throws: without a server nothing
   * changes. A request takes ten seconds at most. If another tab or process is asking, it waits for that one first.
   */
  refresh(options?: { readonly ifDue?: boolean }): Promise<ClientLicense<Feature>>
  /** Looks at the clock and at the store, which another program may have written. Never throws. It waits five seconds for a read. */
  check(): Promise<ClientLicense<Feature>>
  /**
   * Takes a seat of the license key for this installation, and stores the key. Without `key` it uses the option, otherwise the
   * stored key. Repeat it after an outage: the installation gets the same seat.
   * @throws {LicensingError} the server's code, for example `seat_limit_reached`, with a sentence for a person as its message;
   * `unavailable` without a server. The license stays as it is then. A key that may have a typo
   * gives a `LicenseKeyError`, which suggests what was meant.
   */
  activate(key?: string, options?: { readonly name?: string }): Promise<ClientLicense<Feature>>
  /**
   * Gives the seat of this installation back. The license ends here until `activate` is called. Without a server the client
   * sends the release later.
   * @throws {LicensingError} the server's code, for example `release_limit_reached`; nothing changes then.
   */
  release(): Promise<ClientLicense<Feature>>
  /** Lists the taken seats of the license key that was given last. @throws {LicensingError} the server's code; `unavailable`. */
  seats(): Promise<readonly LicenseSeat[]>
  /** Gives back any seat of that license key. @throws {LicensingError} the server's code; `unavailable` without a server. */
  releaseSeat(licenseId: string): Promise<ClientLicense<Feature>>
  /** Forgets the token and the license key, here and in the store. It keeps the seat. Never throws. */
  clear(): Promise<ClientLicense<Feature>>
  /** Calls `listener` at every event of this name. Returns a function that stops that. */
  on<Name extends keyof ClientEvents>(
    name: Name,
    listener: (event: ClientEvents<Feature>[Name]) => void,
  ): () => void
  /** Stops refreshing, and gives up a request that is under way. `license` goes on to work. */
  close(): void
}
