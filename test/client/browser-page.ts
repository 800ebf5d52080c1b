import {
  createLicenseClient,
  indexedDbStore,
  localStorageStore,
  type LicenseClient,
  type LicenseStore,
} from '../../src/client/index.ts'
import { scenarios } from './scenarios.ts'
import { play, type Backdrop, type Backstage, type Run } from './stage.ts'

/** The stores that only a browser has. */
export type BrowserStore = 'localStorage' | 'IndexedDB'

/** What the test calls in the page. */
export interface BrowserPage {
  readonly names: readonly string[]
  play(at: number): Promise<Run>
  /** Opens a client on a store of the browser; answers its state. */
  open(kind: BrowserStore, backdrop: Backdrop): Promise<string>
  enter(token: string): Promise<string>
  /** The revision's part of the `jti` after a refresh. */
  refresh(): Promise<string>
  state(): string
}

/** Speaks with the server side over HTTP; the API itself is asked as it is, by the browser's own `fetch`. */
const backstage: Backstage = {
  tell: async (name, ...args) => {
    const response = await fetch('/backstage', { method: 'POST', body: JSON.stringify({ name, args }) })
    return ((await response.json()) as { readonly answer: unknown }).answer
  },
  fetch: (url, init) => fetch(url, init),
}

const stores: Readonly<Record<BrowserStore, () => LicenseStore>> = {
  localStorage: () => localStorageStore(),
  IndexedDB: () => indexedDbStore(),
}

let client: LicenseClient

const page: BrowserPage = {
  names: scenarios.map(({ name }) => name),
  play: (at) => play(scenarios[at]!, backstage),
  open: async (kind, { baseUrl, app, publicKeys, now }) => {
    client = await createLicenseClient({
      ...{ baseUrl, app, publicKeys, store: stores[kind]() },
      now: () => now,
    })
    return client.license.state
  },
  enter: async (token) => (await client.setToken(token)).state,
  refresh: async () => (await client.refresh()).claims?.jti ?? '',
  state: () => client.license.state,
}

Object.assign(globalThis, { page })
