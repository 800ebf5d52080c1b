import type { Browser } from 'playwright-core'
import { recoveryKeyId, signWithRecoveryKey } from '../../src/core/index.ts'
import { signOfLife } from '../../src/core/licenses/seen.ts'
import { day } from '../support/fixtures.ts'
import { recoveryKeys } from '../support/keys.ts'
import { signIn, visit, type Desk, type Visit } from './dashboard-desk.ts'

const app = 'desktop-app'

/** An open page of a person who is signed in, and the way to the pages of the dashboard. */
export type Seated = Visit & { readonly open: (path: string) => Promise<void> }

/** Seats a person with this key at an open page. */
export async function seat(
  browser: Browser,
  { address }: Desk,
  secret: string,
  work: (seated: Seated) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext()
  const visited = await visit(context, `${address}/dashboard`)
  await signIn(visited, secret)
  const open = async (path: string): Promise<void> => {
    await visited.page.goto(`${address}/dashboard#${path}`, { waitUntil: 'networkidle' })
    await visited.page.locator('main h1').waitFor()
  }
  await work({ ...visited, open })
  await context.close()
}

/** Issues licenses whose programs renewed so many days ago; `null` for never. */
export async function fleet(
  { storage, licensing, app: owner, issue }: Desk,
  seen: readonly (number | null)[],
): Promise<readonly string[]> {
  const [key] = await licensing.apps.keys(app)
  const ids: string[] = []
  for (const [at, days] of seen.entries()) {
    const { id } = await issue()
    await licensing.licenses.update(app, id, { name: `Computer ${at}` })
    ids.push(id)
    if (days === null) continue
    const record = (await storage.findLicense(owner.id, id))!
    const time = Math.floor(Date.now() / 1000) - days * day - 60
    await storage.updateLicense(id, record.version, signOfLife(time, key!.kid, 'desktop-app/2.3.1'))
  }
  return ids
}

/** Gives the app of the desk a recovery key. */
export async function setRecovery({ licensing }: Desk): Promise<void> {
  const { privateKeyPem } = recoveryKeys[0]!
  const kids = [await recoveryKeyId(privateKeyPem)]
  await licensing.recovery.set(app, { threshold: 1, kids }, async (payload) => [
    await signWithRecoveryKey(payload, privateKeyPem),
  ])
}
