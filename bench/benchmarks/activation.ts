import { deriveLicenseKey, handleOf } from '../../src/core/license-keys/derivation.ts'
import { formatLicenseKey, readLicenseKey } from '../../src/core/license-keys/text.ts'
import { uuidOf } from '../../src/core/ids.ts'
import type { Benchmark, Effort } from '../benchmark.ts'
import { startChild, thisRuntime, type Child } from '../child-process.ts'
import { addLicenses, installationOf, openFixture, sellLicenseKeys, type Fixture } from '../fixtures.ts'
import { sendLoad, type RequestTemplate } from '../http-load.ts'
import { measureInTurn, ratios, spreadOf, type Contender } from '../measure.ts'
import { formatMedian, type Result } from '../result.ts'
import type { Usage } from '../server.ts'
import { regenerationRequests } from './regeneration.ts'

const connections = 16
const licenses = 1_000
const seatsOfKey = 10
const fullKeys = 20

/** No machine activates more seats in a second. */
const mostPerSecond = 1_200

/** Installations from here on have no license without a license key. */
const firstInstallation = 1_000_000

/** Requests that activate an installation. */
interface Activations {
  /** Each takes a seat. */
  readonly fresh: RequestTemplate
  /** Each is of an installation that has a seat. */
  readonly known: RequestTemplate
  /** Each finds all seats taken. */
  readonly refused: RequestTemplate
  /** Each shows the handle of a license key, and a wrong MAC. */
  readonly guessed: RequestTemplate
}

/** A text with the handle of this one and right check symbols, as somebody might guess it. */
function guessOf(text: string, number: number): string {
  const secret = { mac: () => new Uint8Array(32).fill(number % 256) }
  const symbols = readLicenseKey(text)!
  return formatLicenseKey(
    deriveLicenseKey(secret, {
      handle: handleOf(symbols),
      uuid: uuidOf('lkey_01kfnb4zd5fd8rh1b9p2xj3t6y'),
      revision: 1,
    }),
  )
}

/** Sells license keys whose only seat is taken. */
async function sellFullKeys(fixture: Fixture): Promise<readonly string[]> {
  const sold = (await sellLicenseKeys(fixture, fullKeys, 1)).map(({ key }) => key)
  for (const [number, key] of sold.entries())
    await fixture.licensing.licenseKeys.activate(fixture.app.slug, key, {
      installationId: installationOf(firstInstallation - 1 - number),
    })
  return sold
}

function activations(port: number, keys: readonly string[], full: readonly string[]): Activations {
  let seats = 0
  const bodyOf = (key: string, number: number): string =>
    JSON.stringify({ license_key: key, installation_id: installationOf(firstInstallation + number) })
  const ofSeat = (number: number): string => bodyOf(keys[Math.floor(number / seatsOfKey)]!, number)
  const requests = (status: number, body: (number: number) => string): RequestTemplate => ({
    port,
    method: 'POST',
    path: () => '/api/v1/apps/bench/license-keys/activate',
    headers: { 'content-type': 'application/json' },
    body,
    status,
  })
  return {
    fresh: requests(201, () => ofSeat(seats++)),
    known: requests(200, (number) => ofSeat(number % (seats - connections))),
    refused: requests(409, (number) => bodyOf(full[number % full.length]!, 1e6 + number)),
    guessed: requests(401, (number) => bodyOf(guessOf(keys[number % keys.length]!, number), number)),
  }
}

/** The kinds of request that are measured. */
type Kind = 'regenerate' | keyof Activations

/** Measures requests a second, and keeps the CPU time of one in microseconds. */
function rateOf(child: Child, template: RequestTemplate, milliseconds: number, cpu: number[]): Contender {
  const usedCpu = async (): Promise<number> => ((await child.send('usage')) as Usage).cpu
  return async () => {
    const before = await usedCpu()
    const { perSecond, requests } = await sendLoad(template, { connections, milliseconds })
    cpu.push(((await usedCpu()) - before) / requests)
    return perSecond
  }
}

/** Compares activations over HTTP with regenerations over HTTP, and measures refusals. */
export const activation: Benchmark = async (given, databases) => {
  const effort: Effort = { ...given, rounds: Math.min(given.rounds, 5) }
  const { rounds } = effort
  const milliseconds = Math.min(effort.milliseconds, 1_500)
  const fixture = await openFixture(await databases.create('seats'), 'bench')
  await addLicenses(fixture, licenses)
  const seats = ((rounds + 1) * milliseconds * mostPerSecond) / 1000
  const sold = await sellLicenseKeys(fixture, Math.ceil(seats / seatsOfKey), seatsOfKey)
  const full = await sellFullKeys(fixture)
  const child = await startChild(thisRuntime, 'server.ts', ['all-cores', fixture.location, 'bench'])
  const { port } = child.ready as { readonly port: number }
  const keys = sold.map(({ key }) => key)
  const requests = activations(port, keys, full)
  const cpu: Record<Kind, number[]> = { regenerate: [], fresh: [], known: [], refused: [], guessed: [] }
  const contender = (kind: Kind, template: RequestTemplate): Contender =>
    rateOf(child, template, milliseconds, cpu[kind])
  const figures = await measureInTurn(rounds, {
    regenerate: contender('regenerate', await regenerationRequests(fixture, child)),
    fresh: contender('fresh', requests.fresh),
    known: contender('known', requests.known),
    refused: contender('refused', requests.refused),
    guessed: contender('guessed', requests.guessed),
    signing: async () => (await child.send(`sign ${milliseconds}`)) as number,
  })
  await child.stop()
  await fixture.close()
  const { database } = databases
  const ratio = (what: string, kind: 'fresh' | 'known'): Result => ({
    what: `Activate ${what} over HTTP, all cores: a second`,
    against: 'regenerate over HTTP, same process',
    runtime: thisRuntime,
    database,
    figure: spreadOf(ratios(figures[kind], figures.regenerate)),
    goal: { atLeast: 0.9 },
    detail: `${formatMedian(figures[kind])} a second, ${formatMedian(figures.regenerate)}; CPU ${formatMedian(cpu[kind])} µs, ${formatMedian(cpu.regenerate)} µs`,
  })
  const rate = (what: string, kind: 'refused' | 'guessed'): Result => ({
    what: `${what} over HTTP`,
    against: '',
    runtime: thisRuntime,
    database,
    figure: spreadOf(figures[kind]),
    unit: 'a second',
    ...(thisRuntime === 'Bun' && database === 'SQLite' && { goal: { atLeast: 2_000 } }),
    detail: `CPU ${formatMedian(cpu[kind])} µs; jose alone signs ${formatMedian(figures.signing)} a second`,
  })
  return [
    ratio('a new installation', 'fresh'),
    ratio('an installation that has its seat', 'known'),
    rate('Refuse an activation because the license key is full', 'refused'),
    rate('Refuse a guessed license key', 'guessed'),
  ]
}
