import { apiKeySecret } from '../../src/core/api-keys/secret.ts'
import type { LicensingOptions, NewApiKey, SignedLicense } from '../../src/core/index.ts'
import { day, newShop, type Shop } from '../support/fixtures.ts'
import { serve, type Sent, type Server } from './http.ts'

/** A shop with a license, a second app, and an app of the other mode. */
export interface Counter extends Shop, Server {
  readonly license: SignedLicense
}

/** What a caller shows: a key in the header, or a token in the body. */
export interface Shown {
  readonly headers?: Sent['headers']
  readonly token?: string
}

export async function newCounter(options: Partial<LicensingOptions> = {}): Promise<Counter> {
  const shop = await newShop(options)
  await shop.licensing.apps.create({ name: 'Other', slug: 'other-app' })
  await shop.licensing.apps.create({ name: 'Test', slug: 'test-app' }, { mode: 'test' })
  return { ...(await serve(shop)), license: await shop.issue() }
}

const bearer = (secret: string): Shown => ({ headers: { authorization: `Bearer ${secret}` } })

async function freshKey(
  { licensing }: Counter,
  key: NewApiKey = {},
): Promise<{ id: string; secret: string }> {
  return licensing.apiKeys.create(key)
}

async function key(counter: Counter, given: NewApiKey): Promise<Shown> {
  return bearer((await freshKey(counter, given)).secret)
}

async function revokedKey(counter: Counter): Promise<Shown> {
  const { id, secret } = await freshKey(counter)
  await counter.licensing.apiKeys.revoke(id)
  return bearer(secret)
}

async function expiredKey(counter: Counter): Promise<Shown> {
  const { secret } = await freshKey(counter, { expiresAt: counter.clock.seconds + 60 })
  counter.clock.seconds += 60
  return bearer(secret)
}

/** A key that was rolled with an overlap of a minute, so many seconds ago. */
async function rolledKey(counter: Counter, ago: number): Promise<Shown> {
  const { id, secret } = await freshKey(counter)
  await counter.licensing.apiKeys.roll(id, { overlapSeconds: 60 })
  counter.clock.seconds += ago
  return bearer(secret)
}

async function successorKey(counter: Counter): Promise<Shown> {
  const { id } = await freshKey(counter)
  return bearer((await counter.licensing.apiKeys.roll(id)).secret)
}

async function anotherApps({ licensing }: Counter): Promise<Shown> {
  await licensing.tiers.create('other-app', { name: 'Pro', slug: 'pro' })
  const { id: customerId } = await licensing.customers.create('other-app', { email: 'bob@example.com' })
  const installationId = crypto.randomUUID()
  const license = { installationId, customerId, tierId: 'pro', forever: true } as const
  return { token: (await licensing.licenses.create('other-app', license)).token ?? '' }
}

/** A token past its `exp`, of a license that goes on. */
async function expiredToken({ licensing, license, clock }: Counter): Promise<Shown> {
  const { update } = licensing.licenses
  const { token } = await update('desktop-app', license.id, { expiresAt: clock.seconds + day })
  await update('desktop-app', license.id, { forever: true })
  clock.seconds += day
  return { token: token ?? '' }
}

async function retiredToken({ licensing, license }: Counter, gracePeriodDays: number): Promise<Shown> {
  await licensing.rotateKeys('desktop-app', { gracePeriodDays })
  return { token: license.token ?? '' }
}

/** Every kind of credential, each made in a counter of its own. */
export const credentials: Readonly<Record<string, (counter: Counter) => Promise<Shown>>> = {
  'no credential': async () => ({}),
  'a malformed key': async () => bearer('sk_live_short'),
  'an unknown key': async () => bearer(apiKeySecret('sk', 'live')),
  'a revoked key': revokedKey,
  'an expired key': expiredKey,
  'a rolled key inside its overlap': (counter) => rolledKey(counter, 59),
  'a rolled key after its overlap': (counter) => rolledKey(counter, 60),
  'the successor of a rolled key': successorKey,
  'a pk_ key': (counter) => key(counter, { type: 'pk' }),
  'a pk_ key bound to the app': (counter) => key(counter, { type: 'pk', app: 'desktop-app' }),
  'a pk_ key of the other mode': (counter) => key(counter, { type: 'pk', mode: 'test' }),
  'an sk_ key': (counter) => key(counter, {}),
  'an sk_ key with an end': (counter) => key(counter, { expiresAt: counter.clock.seconds + day }),
  'an sk_ key bound to the app': (counter) => key(counter, { app: 'desktop-app' }),
  'an sk_ key bound to another app': (counter) => key(counter, { app: 'other-app' }),
  'an sk_ key of the other mode': (counter) => key(counter, { mode: 'test' }),
  'a license token as a key': async ({ license }) => bearer(license.token ?? ''),
  'a revoked key beside a good token': async (counter) => ({
    ...(await revokedKey(counter)),
    token: counter.license.token ?? '',
  }),
  'a pk_ key beside a good token': async (counter) => ({
    ...(await key(counter, { type: 'pk' })),
    token: counter.license.token ?? '',
  }),
  'the current token': async ({ license }) => ({ token: license.token ?? '' }),
  'a superseded token': async ({ licensing, license }) => {
    await licensing.licenses.regenerate('desktop-app', license.id)
    return { token: license.token ?? '' }
  },
  'an invalidated token': async ({ licensing, license }) => {
    await licensing.licenses.regenerate('desktop-app', license.id, { invalidatePrevious: true })
    return { token: license.token ?? '' }
  },
  'another license’s token': async (counter) => ({ token: (await counter.issue()).token ?? '' }),
  'another app’s token': anotherApps,
  'an expired token': expiredToken,
  'a retired token': (counter) => retiredToken(counter, 0),
  'a retired token in its grace': (counter) => retiredToken(counter, 1),
}
