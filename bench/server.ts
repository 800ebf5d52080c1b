/**
 * The server of the benchmarks that measure over HTTP: `server.ts KIND LOCATION SLUG`. The benchmark controls it by lines
 * on its standard input.
 */
import { Elysia, type AnyElysia } from 'elysia'
import { CompactSign, importPKCS8, importSPKI, jwtVerify } from 'jose'
import process from 'node:process'
import { directPath } from '../src/adapters/direct-path.ts'
import { apiServer } from '../src/adapters/elysia-server.ts'
import { createHandler } from '../src/adapters/http.ts'
import { createHttpService, type ServerOptions } from '../src/adapters/http/service.ts'
import { socketAddressOf, startListener, type Handlers } from '../src/cli/listener.ts'
import { generateRsaKeyPair, type Licensing } from '../src/core/index.ts'
import { openBaselineQuery, type FoundLicense } from './baseline-query.ts'
import { serveCommands } from './child-process.ts'
import { licensingOver, openFixture } from './fixtures.ts'
import { rateOf } from './measure.ts'

/** The resources that the server process has used since its start. */
export interface Usage {
  /** CPU time in microseconds. */
  readonly cpu: number
  /** The highest memory use, in bytes. */
  readonly peakMemory: number
}

// The limits must never reject a request, but counting requests is part of the cost.
const rateLimits = {
  verify: 1e9,
  batch: 1e9,
  renewal: 1e9,
  renewalPerLicense: 1e9,
  failedLicenseKey: 1e9,
  activationPerKey: 1e9,
}

function verifyResponse(license: FoundLicense): object {
  return {
    data: {
      valid: license.revoked_at === null && Number(license.expires_at) > Date.now() / 1000,
      status: 'active',
      tier: license.tier,
      features: JSON.parse(license.tier_features) as string[],
      expires_at: new Date(Number(license.expires_at) * 1000).toISOString(),
      installation_id: license.installation_id,
    },
  }
}

/** The reference for verification: one Elysia route, one prepared statement, and the same response as ours. */
async function baselineServer(location: string): Promise<AnyElysia> {
  const findLicense = await openBaselineQuery(location)
  return new Elysia().get(
    '/api/v1/apps/:slug/licenses/verify',
    ({ params, query: { installation_id: id = '' } }) => {
      const found = findLicense(params.slug, id)
      return found instanceof Promise ? found.then(verifyResponse) : verifyResponse(found)
    },
  )
}

/** The reference for tokens: one Elysia route that verifies a JWT of the app, with a response of the same size as ours. */
async function jwtBaselineServer(location: string, slug: string): Promise<AnyElysia> {
  const { app, close } = await openFixture(location, slug)
  await close()
  const key = await importSPKI(app.publicKeyPem, 'RS256')
  const expected = { algorithms: ['RS256'], issuer: app.issuer, audience: app.slug }
  return new Elysia().post('/api/v1/apps/:slug/licenses/verify', async ({ body }) => {
    const { payload } = await jwtVerify((body as { readonly token: string }).token, key, expected)
    const { tier, features, sub, exp } = payload
    const ends = new Date(exp! * 1000).toISOString()
    const data = { valid: true, status: 'active', tier, features, expires_at: ends, installation_id: sub }
    return { data: { ...data, code: null, reason: 'The license is active' } }
  })
}

/** Listens as Elysia does on Bun. On Node and Deno, the reference listens as `heartwood serve` does. */
async function listen(app: AnyElysia): Promise<number> {
  if ('Bun' in globalThis) return app.listen({ port: 0, hostname: '127.0.0.1' }).server!.port!
  return listenAsServe({ fetch: (request) => app.fetch(request) })
}

async function listenAsServe(handlers: Handlers): Promise<number> {
  const { url } = await startListener(handlers, { port: 0, host: '127.0.0.1' })
  return Number(new URL(url).port)
}

let signingKey: Promise<CryptoKey> | undefined

async function makeSigningKey(): Promise<CryptoKey> {
  return importPKCS8((await generateRsaKeyPair()).privateKeyPem, 'RS256')
}

/** The reference for regeneration: signatures a second by jose alone, in the process of the server. */
async function signingRate(milliseconds: number): Promise<number> {
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

/** The handlers of `heartwood serve`. */
function asServe(licensing: Licensing, settings: ServerOptions): Handlers {
  const service = createHttpService(licensing, settings)
  const app = apiServer(service, settings)
  return { fetch: (request) => app.fetch(request), direct: directPath(service) }
}

async function run(kind: string, location: string, slug: string): Promise<void> {
  if (kind === 'baseline')
    return serveCommands({ port: await listen(await baselineServer(location)) }, { usage })
  if (kind === 'jwt-baseline')
    return serveCommands({ port: await listen(await jwtBaselineServer(location, slug)) }, { usage })
  const signing = kind === 'all-cores' ? ({ concurrency: 'all' } as const) : {}
  const { licensing, storage } = await openFixture(location, slug, { signing })
  const { secret } = await licensing.apiKeys.create({ type: 'sk', mode: 'live' })
  const settings = { rateLimits, clientAddress: socketAddressOf, standalone: true }
  let { verification } = licensing
  const served = Object.defineProperty({ ...licensing }, 'verification', { get: () => verification })
  const listened = kind === 'plain' ? { fetch: createHandler(served, settings) } : asServe(served, settings)
  await serveCommands(
    { port: await listenAsServe(listened), secret },
    {
      usage,
      // Another licensing has another memory of tokens. The server stays, because its code would be cold.
      forget: async () => void ({ verification } = await licensingOver(storage)),
      sign: (milliseconds) => signingRate(Number(milliseconds)),
      regenerateAll: () => licensing.licenses.regenerateAll(slug),
    },
  )
}

const [kind = '', location = '', slug = ''] = process.argv.slice(2)
await run(kind, location, slug)
process.exit(0)
