import type { ClientLicense, LicenseClientOptions } from '../../src/client/index.ts'
import type { TestLicense } from '../../src/testing/server.ts'

/** The program's `state action`, the server's code for the same token, and the reason if the two differ. */
export type Observation = readonly [program: string, server: string, difference?: Difference]

/**
 * The reason for which client and server may judge differently. `unaware`: the client has not heard of a change on the
 * server. `own limit`: the program is stricter than the server. `clock`: its computer's clock is wrong.
 */
type Difference = 'unaware' | 'own limit' | 'clock'

export interface ProgramOptions extends Pick<
  LicenseClientOptions,
  'graceDays' | 'maxOfflineDays' | 'refreshKeys'
> {
  /** Starts without a token. */
  readonly withoutToken?: boolean
  /** Carries the app's trust file of its build, and not a key. */
  readonly carriesTrust?: boolean
  /** Gives the token as an option at every start, instead of entering it by hand. */
  readonly configured?: boolean
  /** Starts while no server can be reached. */
  readonly offline?: boolean
  /** The store can neither be read nor written. */
  readonly brokenStore?: boolean
  /** The store, or only its reads or its writes, never answers. */
  readonly silent?: 'store' | 'read' | 'write'
  /** Every start finds an empty store. */
  readonly forgets?: boolean
}

/** The operations of a licensed program in a test. */
export interface Program {
  readonly license: ClientLicense
  /** Runs a command of the fake server. */
  onServer(name: string, ...args: readonly unknown[]): Promise<void>
  wait(days: number): Promise<void>
  /** Ends the program and starts it again on the same store. */
  restart(): Promise<void>
  refresh(): Promise<void>
  /** Puts the program's clock ahead of the true time by so many days. */
  skewClock(days: number): Promise<void>
  /** Enters the token that the vendor has for the license now. */
  enterNewToken(): Promise<void>
  /** Enters the license file that the vendor has for the license now. */
  enterLicenseFile(): Promise<void>
  /** Enters the token that the license was issued with. */
  enterFirstToken(): Promise<void>
  /** Starts the program again on a store with other content. */
  damageStore(text: string): Promise<void>
  /** Starts the program again on a store with another token. */
  damageToken(change: (token: string) => string): Promise<void>
  expectFeature(feature: string): void
  expectNoFeature(feature: string): void
}

export type Step = (program: Program) => unknown

/** A row of the table: a license, a program, and steps with the observation after each. */
export interface LifecycleCase {
  readonly name: string
  readonly license?: TestLicense
  readonly options?: ProgramOptions
  readonly steps: readonly (readonly [step: Step, expected: Observation])[]
}
