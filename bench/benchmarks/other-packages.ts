import { importPKCS8 } from 'jose'
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { generateRsaKeyPair } from '../../src/core/index.ts'
import { signToken, type LicenseClaims } from '../../src/core/token/token.ts'
import type { Benchmark, Effort } from '../benchmark.ts'
import type { Databases } from '../databases.ts'
import { addLicenses, installationOf, openFixture } from '../fixtures.ts'
import { measureInTurn, rateOf, ratios, spreadOf } from '../measure.ts'
import { formatMedian, formatNumber, type Result } from '../result.ts'

// Only `npm run bench` installs these packages, so this file declares the types that it uses.
const packages = {
  betterAuth: 'better-auth',
  migration: 'better-auth/db/migration',
  apiKey: '@better-auth/api-key',
  jsonwebtoken: 'jsonwebtoken',
  fastJwt: 'fast-jwt',
}

interface BetterAuth {
  readonly options: unknown
  readonly api: {
    signUpEmail(call: { body: object }): Promise<{ readonly user: { readonly id: string } }>
    createApiKey(call: { body: object }): Promise<{ readonly key: string }>
    verifyApiKey(call: { body: object }): Promise<{ readonly valid: boolean }>
  }
}

interface BetterAuthModules {
  betterAuth(options: object): BetterAuth
  apiKey(options: object): unknown
  getMigrations(options: unknown): Promise<{ runMigrations(): Promise<void> }>
}

async function betterAuthModules(): Promise<BetterAuthModules> {
  const found = await Promise.all(
    [packages.betterAuth, packages.apiKey, packages.migration].map((name) => import(name)),
  )
  return Object.assign({}, ...found) as BetterAuthModules
}

/** Fills a database with API keys of better-auth. Resolves to a function that verifies one. */
async function betterAuthVerifier(filename: string, count: number): Promise<() => Promise<void>> {
  const { betterAuth, apiKey, getMigrations } = await betterAuthModules()
  const { Database } = await import('bun:sqlite')
  const database = new Database(filename)
  database.run('pragma journal_mode = wal')
  const auth = betterAuth({
    database,
    secret: 'for a benchmark alone, 32 bytes or more',
    baseURL: 'http://localhost',
    telemetry: { enabled: false },
    emailAndPassword: { enabled: true },
    // It would warn about missing tables, because the migrations run later.
    logger: { disabled: true },
    plugins: [apiKey({ rateLimit: { enabled: false } })],
  })
  await (await getMigrations(auth.options)).runMigrations()
  const body = { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' }
  const { user } = await auth.api.signUpEmail({ body })
  const { key } = await auth.api.createApiKey({ body: { userId: user.id, name: 'bench' } })
  const columns = database.query('select * from apikey').get() as object
  const copied = Object.keys(columns).map((name) =>
    name === 'id' || name === 'key' ? `"${name}" || n` : `"${name}"`,
  )
  database.run(
    `with recursive counted(n) as (select 1 union all select n + 1 from counted where n < ${count - 1})
     insert into apikey select ${copied.join(', ')} from counted, (select * from apikey limit 1)`,
  )
  return async () => {
    if (!(await auth.api.verifyApiKey({ body: { key } })).valid) throw new Error('not valid')
  }
}

async function compareVerification(
  { rounds, milliseconds, licenses }: Effort,
  databases: Databases,
): Promise<Result> {
  const count = Math.min(licenses, 100_000)
  const fixture = await openFixture(await databases.create('licenses'), 'bench')
  await addLicenses(fixture, count)
  const theirs = await betterAuthVerifier(await databases.create('better-auth'), count)
  let calls = 0
  const ours = async (): Promise<void> => {
    const installationId = installationOf((calls++ * 7919) % count)
    if (!(await fixture.licensing.verification.verify('bench', { installationId })).valid)
      throw new Error('not valid')
  }
  const figures = await measureInTurn(rounds, {
    ours: () => rateOf(milliseconds, 1, ours),
    theirs: () => rateOf(milliseconds, 1, theirs),
  })
  await fixture.close()
  return {
    what: `Verify one of ${formatNumber(count)} licenses in process`,
    against: 'better-auth with its api-key plugin, which writes the last use each time',
    runtime: 'Bun',
    database: 'SQLite',
    figure: spreadOf(ratios(figures.ours, figures.theirs)),
    detail: `${formatMedian(figures.ours)} a second, ${formatMedian(figures.theirs)}`,
  }
}

const claims: LicenseClaims = {
  sub: installationOf(1),
  aud: 'bench',
  iss: 'license-server',
  iat: 1_800_000_000,
  jti: 'x'.repeat(62),
  lic_id: installationOf(2),
  tier: 'pro',
  customer_id: `cus_${'0'.repeat(26)}`,
  features: ['api_access'],
}

interface Jsonwebtoken {
  readonly default: { sign(claims: object, key: KeyObject, options: object): string }
}

interface FastJwt {
  createSigner(options: object): (claims: object) => string
}

/** Functions that sign a token, by package. */
async function signers(): Promise<Readonly<Record<'ours' | 'jsonwebtoken' | 'fastJwt', () => unknown>>> {
  const { privateKeyPem } = await generateRsaKeyPair()
  const [imported, key] = [await importPKCS8(privateKeyPem, 'RS256'), createPrivateKey(privateKeyPem)]
  const { default: jsonwebtoken } = (await import(packages.jsonwebtoken)) as Jsonwebtoken
  const { createSigner } = (await import(packages.fastJwt)) as FastJwt
  const sign = createSigner({ key: privateKeyPem, algorithm: 'RS256' })
  return {
    ours: () => signToken(claims, 'key', imported),
    jsonwebtoken: () => jsonwebtoken.sign({ ...claims }, key, { algorithm: 'RS256' }),
    fastJwt: () => sign({ ...claims }),
  }
}

async function compareSigning({ rounds, milliseconds }: Effort): Promise<readonly Result[]> {
  const { ours, jsonwebtoken, fastJwt } = await signers()
  const figures = await measureInTurn(rounds, {
    ours: () => rateOf(milliseconds, 16, ours),
    jsonwebtoken: () => rateOf(milliseconds, 16, jsonwebtoken),
    fastJwt: () => rateOf(milliseconds, 16, fastJwt),
  })
  return (['jsonwebtoken', 'fastJwt'] as const).map((peer) => ({
    what: 'Sign tokens on all cores, 16 in flight',
    against: `${packages[peer]}, which blocks the event loop while it signs`,
    runtime: 'Bun',
    figure: spreadOf(ratios(figures.ours, figures[peer])),
    detail: `${formatMedian(figures.ours)} a second, ${formatMedian(figures[peer])}`,
  }))
}

/** Compares Heartwood with packages from npm that do a part of its work. */
export const otherPackages: Benchmark = async (effort, databases) => [
  await compareVerification(effort, databases),
  ...(await compareSigning(effort)),
]
