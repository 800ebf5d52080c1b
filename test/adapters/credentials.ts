import { apiKeySecret } from '../../src/core/api-keys/secret.ts'
import type { NewApiKey } from '../../src/core/index.ts'
import { day } from '../support/fixtures.ts'
import type { Fixture } from './fixture.ts'
import type { Sent } from './test-server.ts'

/** A key in the header, or a token in the body. */
export interface Credential {
  readonly headers?: Sent['headers']
  readonly token?: string
}

const bearer = (secret: string): Credential => ({ headers: { authorization: `Bearer ${secret}` } })

async function freshKey(
  { licensing }: Fixture,
  key: NewApiKey = {},
): Promise<{ id: string; secret: string }> {
  return licensing.apiKeys.create(key)
}

async function key(fixture: Fixture, rights: NewApiKey): Promise<Credential> {
  return bearer((await freshKey(fixture, rights)).secret)
}

async function revokedKey(fixture: Fixture): Promise<Credential> {
  const { id, secret } = await freshKey(fixture)
  await fixture.licensing.apiKeys.revoke(id)
  return bearer(secret)
}

async function expiredKey(fixture: Fixture): Promise<Credential> {
  const { secret } = await freshKey(fixture, { expiresAt: fixture.clock.seconds + 60 })
  fixture.clock.seconds += 60
  return bearer(secret)
}

/** A key that was rolled `ago` seconds ago, with an overlap of a minute. */
async function rolledKey(fixture: Fixture, ago: number): Promise<Credential> {
  const { id, secret } = await freshKey(fixture)
  await fixture.licensing.apiKeys.roll(id, { overlapSeconds: 60 })
  fixture.clock.seconds += ago
  return bearer(secret)
}

async function successorKey(fixture: Fixture): Promise<Credential> {
  const { id } = await freshKey(fixture)
  return bearer((await fixture.licensing.apiKeys.roll(id)).secret)
}

async function tokenOfAnotherApp({ licensing }: Fixture): Promise<Credential> {
  await licensing.tiers.create('other-app', { name: 'Pro', slug: 'pro' })
  const { id: customerId } = await licensing.customers.create('other-app', { email: 'bob@example.com' })
  const installationId = crypto.randomUUID()
  const license = { installationId, customerId, tierId: 'pro', forever: true } as const
  return { token: (await licensing.licenses.create('other-app', license)).token ?? '' }
}

/** A token past its `exp`, of a license that is still active. */
async function expiredToken({ licensing, license, clock }: Fixture): Promise<Credential> {
  const { update } = licensing.licenses
  const { token } = await update('desktop-app', license.id, { expiresAt: clock.seconds + day })
  await update('desktop-app', license.id, { forever: true })
  clock.seconds += day
  return { token: token ?? '' }
}

async function retiredToken({ licensing, license }: Fixture, gracePeriodDays: number): Promise<Credential> {
  await licensing.rotateKeys('desktop-app', { gracePeriodDays })
  return { token: license.token ?? '' }
}

/** Every kind of credential. Each is made in a fixture of its own. */
export const credentials: Readonly<Record<string, (fixture: Fixture) => Promise<Credential>>> = {
  'no credential': async () => ({}),
  'a malformed key': async () => bearer('sk_live_short'),
  'an unknown key': async () => bearer(apiKeySecret('sk', 'live')),
  'a revoked key': revokedKey,
  'an expired key': expiredKey,
  'a rolled key inside its overlap': (fixture) => rolledKey(fixture, 59),
  'a rolled key after its overlap': (fixture) => rolledKey(fixture, 60),
  'the successor of a rolled key': successorKey,
  'a pk_ key': (fixture) => key(fixture, { type: 'pk' }),
  'a pk_ key bound to the app': (fixture) => key(fixture, { type: 'pk', app: 'desktop-app' }),
  'a pk_ key of the other mode': (fixture) => key(fixture, { type: 'pk', mode: 'test' }),
  'an sk_ key': (fixture) => key(fixture, {}),
  'an sk_ key with an end': (fixture) => key(fixture, { expiresAt: fixture.clock.seconds + day }),
  'an sk_ key bound to the app': (fixture) => key(fixture, { app: 'desktop-app' }),
  'an sk_ key bound to another app': (fixture) => key(fixture, { app: 'other-app' }),
  'an sk_ key of the other mode': (fixture) => key(fixture, { mode: 'test' }),
  'a license token as a key': async ({ license }) => bearer(license.token ?? ''),
  'a revoked key beside a good token': async (fixture) => ({
    ...(await revokedKey(fixture)),
    token: fixture.license.token ?? '',
  }),
  'a pk_ key beside a good token': async (fixture) => ({
    ...(await key(fixture, { type: 'pk' })),
    token: fixture.license.token ?? '',
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
  'another license’s token': async (fixture) => ({ token: (await fixture.issue()).token ?? '' }),
  'another app’s token': tokenOfAnotherApp,
  'an expired token': expiredToken,
  'a retired token': (fixture) => retiredToken(fixture, 0),
  'a retired token in its grace': (fixture) => retiredToken(fixture, 1),
}
