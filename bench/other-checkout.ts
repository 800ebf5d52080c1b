/**
 * Compares this checkout with another one, for example the commit before a change: `bun bench/other-checkout.ts FOLDER`. It
 * prints the CPU time that a request takes here, divided by that of the other checkout, and beside it how far two servers of
 * this checkout differ by themselves. `--quick` takes fewer rounds, and `--only=TEXT` only requests with this text in their
 * names. The other folder needs its `node_modules`.
 */
import { resolve } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { fullEffort, quickEffort, type Effort } from './benchmark.ts'
import { verifyPath } from './benchmarks/verify.ts'
import { startChild, thisRuntime, type Child } from './child-process.ts'
import { openDatabases } from './databases.ts'
import { sendLoad, type RequestTemplate } from './http-load.ts'
import { measureInTurn, ratios, spreadOf, type Contender } from './measure.ts'
import { formatMedian, formatNumber } from './result.ts'
import type { Usage } from './server.ts'

type Fixtures = typeof import('./fixtures.ts')

const slug = 'bench'
const licenses = 5_000
const renewed = 50
const connections = 16

/** A server of one checkout, and the requests to it. */
interface Server {
  readonly child: Child
  readonly requests: Readonly<Record<string, RequestTemplate>>
}

/** The number of names that were made. Each is new, so that every write changes something. */
let names = 0

/** Small writes, each with an entry in the audit log. */
function writes(
  { port, secret }: Listening,
  { customerId, licenseId }: { readonly customerId: string; readonly licenseId: string },
): Record<string, RequestTemplate> {
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
  const rename = (place: string): RequestTemplate => ({
    port,
    method: 'PUT',
    path: () => `/api/v1/apps/${slug}${place}`,
    headers,
    body: () => JSON.stringify({ name: `Name ${++names}` }),
  })
  return {
    'create customer': {
      ...rename('/customers'),
      method: 'POST',
      body: () => JSON.stringify({ email: `${++names}@example.com` }),
      status: 201,
    },
    'update customer': rename(`/customers/${customerId}`),
    'update tier': rename('/tiers/pro'),
    'update feature': rename('/features/export'),
    'update app': rename(''),
    'update license': rename(`/licenses/${licenseId}`),
  }
}

interface Listening {
  readonly port: number
  readonly secret: string
}

async function startServer(folder: URL, location: string): Promise<Server> {
  const { openFixture, addLicenses } = (await import(new URL('bench/fixtures.ts', folder).href)) as Fixtures
  const fixture = await openFixture(location, slug)
  await addLicenses(fixture, licenses)
  const { data } = await fixture.licensing.licenses.list(slug, { perPage: renewed })
  const tokens = await Promise.all(
    data.map(async ({ id }) => [
      id,
      (await fixture.licensing.licenses.get(slug, id, { include: 'token' })).token,
    ]),
  )
  const customer = await fixture.storage.findCustomerByExternalId(fixture.app.id, 'ada')
  await fixture.close()
  const child = await startChild(thisRuntime, new URL('bench/server.ts', folder).href, [
    'heartwood',
    location,
    slug,
  ])
  const listening = child.ready as Listening
  const { port } = listening
  const ofNumber = (number: number) => tokens[number % tokens.length]!
  const renew: RequestTemplate = {
    port,
    method: 'POST',
    path: (number) => `/api/v1/apps/${slug}/licenses/${ofNumber(number)[0]}/regenerate`,
    headers: { 'content-type': 'application/json' },
    body: (number) => JSON.stringify({ current_token: ofNumber(number)[1] }),
  }
  const ids = { customerId: customer!.id, licenseId: ofNumber(0)[0]! }
  return {
    child,
    requests: {
      verify: { port, method: 'GET', path: verifyPath(licenses) },
      renew,
      ...writes(listening, ids),
    },
  }
}

function cpuOf(child: Child, template: RequestTemplate, milliseconds: number): Contender {
  const used = async (): Promise<number> => ((await child.send('usage')) as Usage).cpu
  return async () => {
    const before = await used()
    const { requests } = await sendLoad(template, { connections, milliseconds })
    return ((await used()) - before) / requests
  }
}

async function compare(name: string, servers: readonly Server[], effort: Effort): Promise<string> {
  const { rounds, milliseconds } = effort
  const [here, again, other] = servers.map((server) =>
    cpuOf(server.child, server.requests[name]!, milliseconds),
  )
  // A runtime compiles the code of a server again and again in the first ten thousands of requests.
  for (const server of servers) await cpuOf(server.child, server.requests[name]!, 4 * milliseconds)()
  const figures = await measureInTurn(rounds, { here: here!, again: again!, other: other! })
  const shown = (values: readonly number[]): string => {
    const { median, least, most } = spreadOf(values)
    return `${median.toFixed(3)} (${least.toFixed(3)} to ${most.toFixed(3)})`
  }
  return [
    `${name} [${thisRuntime}, SQLite]: ${shown(ratios(figures.here, figures.other))} of the other checkout`,
    `two servers of this checkout: ${shown(ratios(figures.again, figures.here))}`,
    `${formatMedian(figures.here)} µs, ${formatMedian(figures.other)} µs, ${formatNumber(rounds)} rounds`,
  ].join('; ')
}

const [folder, ...flags] = process.argv.slice(2)
if (folder === undefined) throw new Error('Name the folder of the other checkout')
const effort = flags.includes('--quick') ? quickEffort : fullEffort
const databases = openDatabases('SQLite')
const [here, other] = [new URL('../', import.meta.url), pathToFileURL(`${resolve(folder)}/`)]
const servers: Server[] = []
for (const [number, place] of [here, here, other].entries())
  servers.push(await startServer(place, await databases.create(`checkout_${number}`)))
const only = flags.find((flag) => flag.startsWith('--only='))?.slice('--only='.length) ?? ''
const asked = Object.keys(servers[0]!.requests).filter((name) => name.includes(only))
for (const name of asked) console.log(await compare(name, servers, effort))
for (const { child } of servers) await child.stop()
await databases.removeAll()
process.exit(0)
