import type { ServerOptions } from '../../../src/adapters/elysia.ts'
import type { LicensingOptions, Storage } from '../../../src/core/index.ts'
import { installation, newShop, type Shop } from '../../support/fixtures.ts'
import { whileListening } from '../listening.ts'
import type { TestResponse } from '../openapi-checker.ts'
import { sender, serve, type Json, type Send, type TestServer } from '../test-server.ts'

export const base = '/apps/desktop-app'
export const keys: string = `${base}/license-keys`

/** A server on a port that sells license keys of `desktop-app`. */
export interface Till extends Shop, TestServer {
  /** Sends with the secret key. */
  readonly ask: (method: string, path: string, body?: Json) => Promise<TestResponse>
  /** Sends as a program does: without a key. */
  readonly tell: (
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<TestResponse>
  /** Sells a license key, for two seats and without end unless `terms` say otherwise. */
  readonly sell: (terms?: Json) => Promise<{ readonly id: string; readonly key: string }>
  /** Activates the installation of this number. */
  readonly activate: (key: string, number: number, more?: Json) => Promise<TestResponse>
}

function tillOf(shop: Shop & TestServer, send: Send): Till {
  const ask: Till['ask'] = (method, path, body) =>
    send(method, path, { key: shop.keys.sk, ...(body !== undefined && { body }) })
  const tell: Till['tell'] = (path, body = {}, headers = {}) => send('POST', path, { body, headers })
  const sell: Till['sell'] = async (terms = {}) => {
    const hasEnd = ['duration_days', 'expires_at', 'forever'].some((name) => name in terms)
    const sold = {
      customer_id: shop.customer.id,
      tier_id: 'pro',
      seats: 2,
      ...(!hasEnd && { forever: true }),
    }
    return (await ask('POST', keys, { ...sold, ...terms })).data<{ id: string; key: string }>()
  }
  const activate: Till['activate'] = (key, number, more = {}) =>
    tell(`${keys}/activate`, { license_key: key, installation_id: installation(number), ...more })
  return { ...shop, send, ask, tell, sell, activate }
}

/** Sells at a port of this machine while `work` runs. */
export async function whileSelling(
  work: (till: Till) => Promise<void>,
  licensing: Partial<LicensingOptions> & { readonly storage?: Storage } = {},
  options: ServerOptions = {},
): Promise<void> {
  const served = await serve(await newShop(licensing), options)
  await whileListening(served, async ({ origin }) =>
    work(
      tillOf(
        served,
        sender((request) => fetch(request), origin),
      ),
    ),
  )
}

/** Another last symbol than that of a license key, so that its check symbols are wrong. */
export function mistyped(key: string): string {
  return key.slice(0, -1) + (key.endsWith('0') ? '1' : '0')
}
