/** A server for the rows that measure over HTTP; told by lines on its standard input. */
import { Elysia, type AnyElysia } from 'elysia'
import { CompactSign, importPKCS8 } from 'jose'
import process from 'node:process'
import { serve } from 'srvx'
import { licensingServer } from '../src/adapters/elysia.ts'
import { generateRsaKeyPair } from '../src/core/index.ts'
import { openLookUp, type Found } from './baseline-query.ts'
import { rateOf } from './measure.ts'
import { converse } from './child-process.ts'
import { openShop } from './fixtures.ts'

/** What a server costs. */
export interface Usage {
  /** Of the process until now, in microseconds. */
  readonly cpu: number
  /** The most memory the process ever had, in bytes. */
  readonly peakMemory: number
}

const noLimits = { verify: 1e9, batch: 1e9, renewal: 1e9, renewalPerLicense: 1e9 }

/** What our verification answers. */
function answerOf(row: Found): object {
  return {
    data: {
      valid: row.revoked_at === null && Number(row.expires_at) > Date.now() / 1000,
      status: 'active',
      tier: row.tier,
      features: JSON.parse(row.tier_features) as string[],
      expires_at: new Date(Number(row.expires_at) * 1000).toISOString(),
      installation_id: row.installation_id,
    },
  }
}

/** Nothing but a route and one prepared look-up, which answers what our verification answers. */
async function bareServer(location: string): Promise<AnyElysia> {
  const lookUp = await openLookUp(location)
  return new Elysia().get(
    '/api/v1/apps/:slug/licenses/verify',
    ({ params, query: { installation_id: id = '' } }) => {
      const found = lookUp(params.slug, id)
      return found instanceof Promise ? found.then(answerOf) : answerOf(found)
    },
  )
}

async function listen(app: AnyElysia): Promise<number> {
  if ('Bun' in globalThis) return app.listen({ port: 0, hostname: '127.0.0.1' }).server!.port!
  const server = serve({
    port: 0,
    hostname: '127.0.0.1',
    silent: true,
    fetch: (request) => app.fetch(request),
  })
  await server.ready()
  return Number(new URL(server.url!).port)
}

let signingKey: Promise<CryptoKey> | undefined

async function makeSigningKey(): Promise<CryptoKey> {
  return importPKCS8((await generateRsaKeyPair()).privateKeyPem, 'RS256')
}

/** Signatures a second by jose alone, in this very process. */
async function signAlone(milliseconds: number): Promise<number> {
  const key = await (signingKey ??= makeSigningKey())
  const payload = new TextEncoder().encode('x'.repeat(400))
  return rateOf(milliseconds, 16, () =>
    new CompactSign(payload).setProtectedHeader({ alg: 'RS256', typ: 'JWT' }).sign(key),
  )
}

function usage(): Usage {
  const { user, system } = process.cpuUsage()
  return { cpu: user + system, peakMemory: process.resourceUsage().maxRSS * 1024 }
}

async function run(kind: string, location: string, slug: string): Promise<void> {
  if (kind === 'bare') return converse({ port: await listen(await bareServer(location)) }, { usage })
  const signing = kind === 'all-cores' ? ({ concurrency: 'all' } as const) : {}
  const { licensing } = await openShop(location, slug, { signing })
  const { secret } = await licensing.apiKeys.create({ type: 'sk', mode: 'live' })
  const clientAddress = (): string => '127.0.0.1'
  const isOnBun = 'Bun' in globalThis
  const app = licensingServer(licensing, { rateLimits: noLimits, ...(!isOnBun && { clientAddress }) })
  await converse(
    { port: await listen(app), secret },
    {
      usage,
      sign: (milliseconds) => signAlone(Number(milliseconds)),
      regenerateAll: () => licensing.licenses.regenerateAll(slug),
    },
  )
}

const [kind = '', location = '', slug = ''] = process.argv.slice(2)
await run(kind, location, slug)
process.exit(0)
