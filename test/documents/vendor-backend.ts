import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { Stripe } from 'stripe'
import type { Sale } from '../../src/core/index.ts'
import type { RemoteLicensing } from '../../src/sdk/index.ts'
import { blocksOf } from './markdown.ts'

/** The programs of `docs/selling.md` that take the events of the shop. */
interface Programs {
  readonly saleOf: (subscriptionId: string) => Promise<Sale | null>
  readonly onStripeEvent: (request: Request) => Promise<Response>
}

/** The parts that the reader’s programs import, in the place of the reader’s own. */
interface Parts {
  readonly licensing: RemoteLicensing
  readonly now: () => number
  /** The API’s response to a GET of this path. */
  readonly stripeApi: (path: string) => Promise<object>
  readonly mailKey: (to: string, key: string, id: string) => Promise<void>
}

/** A vendor’s backend, as the page builds it. */
export interface Backend extends Programs {
  /** The header of an event, by Stripe’s own library. `sentAt` is the time of the signature, in whole seconds; default now. */
  sign(payload: string, sentAt?: number): Promise<string>
  /** Sends an event, signed as `sign` does. */
  send(payload: string, sentAt?: number): Promise<Response>
}

const webhookSecret = 'whsec_of_the_tests'
const root = mkdtempSync(join(tmpdir(), 'heartwood-selling-'))
process.once('exit', () => rmSync(root, { recursive: true, force: true }))
writeFileSync(join(root, 'package.json'), '{ "type": "module" }')
let backends = 0

const nameOf = (code: string): string => /^\/\/ (\S+\.ts)\n/.exec(code)?.[1] ?? ''

/** Writes the programs as the page has them, and beside them modules that export the parts. */
function writePrograms(parts: object): string {
  const folder = join(root, `${(backends += 1)}`)
  mkdirSync(folder)
  const place = JSON.stringify(folder)
  Object.assign(globalThis, { [folder]: parts })
  const given = { licensing: 'licensing', stripe: 'stripe, webhookSecret', mail: 'mailKey', clock: 'now' }
  for (const [name, exported] of Object.entries(given))
    writeFileSync(join(folder, `${name}.ts`), `export const { ${exported} } = globalThis[${place}]\n`)
  const blocks = blocksOf('docs/selling.md').filter(({ code }) =>
    ['sale.ts', 'shop.ts'].includes(nameOf(code)),
  )
  for (const { code } of blocks) writeFileSync(join(folder, nameOf(code)), code)
  return folder
}

/** Imports the programs of the page. Stripe’s library is the real one, but its API responds from `stripeApi`. */
export async function openBackend({ stripeApi, ...parts }: Parts): Promise<Backend> {
  const respond = async (url: unknown): Promise<Response> =>
    Response.json(await stripeApi(new URL(String(url)).pathname))
  const httpClient = Stripe.createFetchHttpClient(respond as typeof fetch)
  const stripe = new Stripe('sk_test_of_the_tests', { httpClient, maxNetworkRetries: 0 })
  const folder = writePrograms({ ...parts, stripe, webhookSecret })
  const load = async (name: string): Promise<Programs> => import(pathToFileURL(join(folder, name)).href)
  const { saleOf } = await load('sale.ts')
  const { onStripeEvent } = await load('shop.ts')
  const sign: Backend['sign'] = (payload, timestamp = Math.floor(Date.now() / 1000)) =>
    stripe.webhooks.generateTestHeaderStringAsync({ payload, secret: webhookSecret, timestamp })
  const send: Backend['send'] = async (payload, sentAt) => {
    const headers = { 'stripe-signature': await sign(payload, sentAt) }
    return onStripeEvent(new Request('http://localhost/stripe', { method: 'POST', headers, body: payload }))
  }
  return { saleOf, onStripeEvent, sign, send }
}
