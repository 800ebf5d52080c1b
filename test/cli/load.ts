import { setTimeout } from 'node:timers/promises'
import { ask } from './heartwood.ts'

/** A license as the server last acknowledged it. */
export interface Acknowledged {
  readonly installation: string
  readonly customer: string
  revision: number
}

/** The slug of the app that the load uses. */
export const loadedApp = 'load'

interface Body {
  readonly data: { readonly id: string; readonly token: string }
}

const writers = 4

export function claimsOf(token: string): { readonly jti: string; readonly exp?: number } {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { jti: string }
}

/** The revision in a token's `jti`: seven characters after the license's id. */
export function revisionOf(token: string): number {
  const text = claimsOf(token).jti.slice('lic_'.length + 26, 'lic_'.length + 33)
  const digits = [...text].map((character) => '0123456789abcdefghjkmnpqrstvwxyz'.indexOf(character))
  return Math.floor(digits.reduce((sum, digit) => sum * 32 + digit, 0) / 8)
}

/** Creates the app and the tier that the load sells. */
export async function openShop(url: string, key: string | null): Promise<void> {
  await ask({ url }, '/apps', { key, body: { name: 'Load', slug: loadedApp } })
  await ask({ url }, `/apps/${loadedApp}/tiers`, { key, body: { name: 'Pro', slug: 'pro' } })
}

/** Writers that create customers and licenses and regenerate them, and a record of every response. */
export class Load {
  readonly licenses: Map<string, Acknowledged> = new Map<string, Acknowledged>()
  /** Every `jti` that the server has issued. `repeated` holds those that it issued twice. */
  readonly jtis: Set<string> = new Set<string>()
  readonly repeated: string[] = []
  /** The number of responses by status. `none` counts broken connections. */
  readonly statuses: Map<number | 'none', number> = new Map<number | 'none', number>()
  readonly #key: string | null
  #isOn = false
  #running: Promise<unknown> = Promise.resolve()

  constructor(key: string | null) {
    this.#key = key
  }

  /** Starts writing to a server. */
  start(url: string): void {
    this.#isOn = true
    this.#running = Promise.all(Array.from({ length: writers }, () => this.#write(url)))
  }

  async stop(): Promise<void> {
    this.#isOn = false
    await this.#running
  }

  /** Records a token's `jti`. */
  note(token: string): void {
    const { jti } = claimsOf(token)
    if (this.jtis.has(jti)) this.repeated.push(jti)
    this.jtis.add(jti)
  }

  async #write(url: string): Promise<void> {
    while (this.#isOn) {
      const id = await this.#issue(url)
      if (id === null) await setTimeout(10)
      else await this.#regenerate(url, id)
    }
  }

  async #post(url: string, path: string, body: object): Promise<Body['data'] | null> {
    const request = ask({ url }, `/apps/${loadedApp}${path}`, { key: this.#key, body })
    const response = await request.catch(() => null)
    const text = (await response?.text().catch(() => null)) ?? null
    const status = response === null || text === null ? 'none' : response.status
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
    return status === 200 || status === 201 ? (JSON.parse(text!) as Body).data : null
  }

  async #issue(url: string): Promise<string | null> {
    const customer = await this.#post(url, '/customers', { email: `${crypto.randomUUID()}@example.com` })
    if (customer === null) return null
    const installation = crypto.randomUUID()
    const wanted = { installation_id: installation, customer_id: customer.id, tier_id: 'pro', forever: true }
    const license = await this.#post(url, '/licenses', wanted)
    if (license === null) return null
    this.note(license.token)
    const { id, token } = license
    this.licenses.set(id, { installation, customer: customer.id, revision: revisionOf(token) })
    return id
  }

  async #regenerate(url: string, id: string): Promise<void> {
    for (let times = 0; times < 3; times++) {
      const license = await this.#post(url, `/licenses/${id}/regenerate`, {})
      if (license === null) return
      this.note(license.token)
      this.licenses.get(id)!.revision = revisionOf(license.token)
    }
  }
}

/** Returns the acknowledged licenses that a server has lost. Skips those in `known`. */
export async function lostOn(
  url: string,
  key: string | null,
  load: Load,
  known: ReadonlySet<string> = new Set(),
): Promise<readonly string[]> {
  const lost: string[] = []
  const check = async ([id, { installation, customer, revision }]: readonly [string, Acknowledged]) => {
    const path = `/apps/${loadedApp}/licenses/${id}`
    const response = await ask({ url }, path, { key })
    if (response.status !== 200) return void lost.push(`${id}: ${response.status}`)
    const { data } = (await response.json()) as {
      data: { installation_id: string; customer_id: string; token: string }
    }
    const isSame = data.installation_id === installation && data.customer_id === customer
    if (!isSame || revisionOf(data.token) < revision)
      lost.push(`${id}: differs from the acknowledged license`)
  }
  const wanted = [...load.licenses].filter(([id]) => !known.has(id))
  for (let at = 0; at < wanted.length; at += 16) await Promise.all(wanted.slice(at, at + 16).map(check))
  return lost
}
