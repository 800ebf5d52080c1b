import type { ClientLicense, LicenseClientOptions } from '../../src/client/index.ts'
import type { TestLicense } from '../../src/testing/server.ts'

/** What a program sees and what the server says of its token: `state action`, the server's code, and why the two differ. */
export type Sight = readonly [seen: string, server: string, apart?: Reason]

/**
 * Why client and server may judge differently: what the server knows has not reached the client (`unaware`), the program
 * is stricter than the server (`own limit`), or its computer's clock is wrong (`clock`).
 */
type Reason = 'unaware' | 'own limit' | 'clock'

/** What a scenario says of its client. */
export interface StageOptions extends Pick<
  LicenseClientOptions,
  'graceDays' | 'maxOfflineDays' | 'refreshKeys'
> {
  /** Begins without a token. */
  readonly withoutToken?: boolean
  /** Gives the token as an option at every start, not by hand. */
  readonly configured?: boolean
  /** Begins with no server to be reached. */
  readonly offline?: boolean
  /** The store can neither be read nor written. */
  readonly brokenStore?: boolean
}

/** What can be done to a client and its surroundings. */
export interface Actor {
  readonly license: ClientLicense
  /** Does something on the server side, by name. */
  tell(name: string, ...args: readonly unknown[]): Promise<void>
  wait(days: number): Promise<void>
  /** Ends the program and starts it again, with what it has stored. */
  restart(): Promise<void>
  refresh(): Promise<void>
  /** Sets the program's clock off by so many days. */
  skew(days: number): Promise<void>
  /** Enters the token that the vendor has for the license now. */
  enterNew(): Promise<void>
  /** Enters the token that the license was issued with. */
  enterFirst(): Promise<void>
  /** Starts the program again on a store with other content. */
  damage(text: string): Promise<void>
  /** Starts the program again on a store with another token. */
  damageToken(change: (token: string) => string): Promise<void>
  grants(feature: string): void
  lacks(feature: string): void
}

/** One thing that is done. */
export type Act = (stage: Actor) => unknown

/** One row: a license, a client, and what is done and then seen. */
export interface Scenario {
  readonly name: string
  readonly license?: TestLicense
  readonly options?: StageOptions
  readonly steps: readonly (readonly [act: Act, sight: Sight])[]
}
