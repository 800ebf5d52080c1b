import type { ClientLicense } from './license.ts'

/**
 * Reports that the server has refused to renew the token.
 *
 * @example
 * ```ts
 * import type { RenewalRefusal } from 'heartwood/client'
 *
 * const isRevocation = ({ code }: RenewalRefusal): boolean => code === 'license_revoked'
 * console.log(isRevocation({ code: 'not_found' })) // false
 * ```
 */
export interface RenewalRefusal {
  /**
   * The server's code, for example `license_revoked` or `invalid_token`. `unknown_key`: the program does not trust the key
   * of the server's token. `foreign_token`: the server's token is for another installation or app.
   */
  readonly code: string
}

/**
 * Reports that the server's `trust.json`, or a license file, contradicts the statements that the program follows. Somebody may
 * have stolen a signing key: tell the vendor.
 *
 * @example
 * ```ts
 * import type { TrustConflict } from 'heartwood/client'
 *
 * export const report = ({ seq }: TrustConflict): string => `Two statements have the number ${seq}`
 * ```
 */
export interface TrustConflict {
  /** The number of the first statement that differs. */
  readonly seq: number
}

/**
 * The events of a client, by name.
 *
 * @example
 * ```ts
 * import type { ClientEvents, LicenseClient } from 'heartwood/client'
 *
 * export function log<Name extends keyof ClientEvents>(client: LicenseClient, name: Name): () => void {
 *   return client.on(name, (event) => console.log(name, event))
 * }
 * ```
 */
export interface ClientEvents<Feature extends string = string> {
  /** The program sees another license than before: another state, other features, another token. */
  change: ClientLicense<Feature>
  /** A new token has come from the server. */
  refreshed: ClientLicense<Feature>
  /** The server has refused to renew the token. An outage causes no event. */
  refused: RenewalRefusal
  /** The server, or a license file, shows other statements about signing keys than the program follows. They change nothing. */
  trust_conflict: TrustConflict
}

type Listener = (event: never) => void

function call(listener: Listener, event: unknown): void {
  try {
    listener(event as never)
  } catch (error) {
    // Report the program's own fault as an event handler of the platform would.
    queueMicrotask(() => {
      throw error
    })
  }
}

/** Calls listeners. One that throws stops neither the others nor the client. */
export class Listeners<Feature extends string> {
  readonly #listeners = new Map<keyof ClientEvents, Set<Listener>>()

  on<Name extends keyof ClientEvents>(
    name: Name,
    listener: (event: ClientEvents<Feature>[Name]) => void,
  ): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(listener))
    return () => void listeners.delete(listener)
  }

  emit<Name extends keyof ClientEvents>(name: Name, event: ClientEvents<Feature>[Name]): void {
    const listeners = this.#listeners.get(name) ?? new Set()
    // A copy, so that a listener which subscribes anew is not called again by the same event.
    for (const listener of [...listeners]) if (listeners.has(listener)) call(listener, event)
  }
}
