import type { ClientLicense } from './license.ts'

/** That the server has refused to renew the token. */
export interface Refusal {
  /**
   * The server's code, for example `license_revoked` or `invalid_token`; `unknown_key` when its token is under a key that
   * the program does not trust, `foreign_token` when it is not for this installation or app.
   */
  readonly code: string
}

/** What a client tells its program, by name. */
export interface ClientEvents<Feature extends string = string> {
  /** The license is seen differently: another state, other features, another token. */
  change: ClientLicense<Feature>
  /** A new token has come from the server. */
  refreshed: ClientLicense<Feature>
  /** The server has answered with a refusal. An outage is none, and is not told by an event. */
  refused: Refusal
}

type Listener = (event: never) => void

/** Tells listeners. One that throws stops neither the others nor the client. */
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
    for (const listener of this.#listeners.get(name) ?? [])
      try {
        listener(event as never)
      } catch (error) {
        // The program's own fault, reported as one in its event handler would be.
        queueMicrotask(() => {
          throw error
        })
      }
  }
}
