import {
  checkLicenseKey,
  createLicenseClient,
  indexedDbStore,
  localStorageStore,
  type ClientLicense,
  type LicenseClient,
  type LicenseKeyCheck,
  type LicenseSeat,
  type LicenseStore,
} from '../../src/client/index.ts'
import { missedSlips, type MissedSlips } from '../core/license-key-slips.ts'
import { allCases } from './succession-cases.ts'
import { remoteServer } from './remote-server.ts'
import { runCase, type CaseResult, type ClientSetup } from './test-program.ts'

/** The stores that only a browser has. */
export type BrowserStore = 'localStorage' | 'IndexedDB'

/** The functions of the page that the test calls. */
export interface BrowserPage {
  readonly names: readonly string[]
  runCase(at: number): Promise<CaseResult>
  /** Opens a client on a store of the browser, and returns its state. */
  open(kind: BrowserStore, setup: ClientSetup): Promise<string>
  enter(token: string): Promise<string>
  /** Returns the token's `jti` after a refresh. */
  refresh(): Promise<string>
  state(): string
  /** Calls the method, and returns the state after it, or the code of its error. */
  call(method: 'activate' | 'release' | 'releaseSeat', text?: string): Promise<string>
  seats(): Promise<readonly LicenseSeat[]>
  checkKeys(texts: readonly string[]): readonly LicenseKeyCheck[]
  missedSlips(keys: readonly string[], share: number): MissedSlips
}

const server = remoteServer('')

const stores: Readonly<Record<BrowserStore, () => LicenseStore>> = {
  localStorage: () => localStorageStore(),
  IndexedDB: () => indexedDbStore(),
}

let client: LicenseClient

const page: BrowserPage = {
  names: allCases.map(({ name }) => name),
  runCase: (at) => runCase(allCases[at]!, server),
  open: async (kind, { baseUrl, app, publicKeys, now }) => {
    client = await createLicenseClient({
      baseUrl,
      app,
      publicKeys,
      store: stores[kind](),
      now: () => now,
    })
    return client.license.state
  },
  enter: async (token) => (await client.setToken(token)).state,
  refresh: async () => (await client.refresh()).claims?.jti ?? '',
  state: () => client.license.state,
  call: async (method, text) =>
    (client[method] as (given?: string) => Promise<ClientLicense>)(text).then(
      ({ state }) => state,
      ({ code }: { readonly code?: string }) => `${code}`,
    ),
  seats: () => client.seats(),
  checkKeys: (texts) => texts.map(checkLicenseKey),
  missedSlips,
}

Object.assign(globalThis, { page })
