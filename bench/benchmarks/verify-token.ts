import type { Benchmark, Effort } from '../benchmark.ts'
import { startChild, thisRuntime, type Child } from '../child-process.ts'
import { addLicenses, openFixture, type Fixture } from '../fixtures.ts'
import { sendLoad, type RequestTemplate } from '../http-load.ts'
import { measureInTurn, ratios, spreadOf } from '../measure.ts'
import { formatMedian, type Result } from '../result.ts'
import type { Usage } from '../server.ts'

const slug = 'bench'
const connections = 16
/** Each costs a signature beforehand, and more than a piece of a round sends. */
const tokenCount = 2_500
const pieceMs = 150
/** A runtime compiles the code of a server again and again in the first ten thousands of requests. */
const warmUp = 4

async function tokensOf({ licensing, storage, app }: Fixture): Promise<readonly string[]> {
  const now = Math.floor(Date.now() / 1000)
  const licenses = await storage.listLicenses({ appId: app.id, now }, { limit: tokenCount })
  const tokens: string[] = []
  for (const { id } of licenses) tokens.push((await licensing.licenses.token(slug, id))!)
  return tokens
}

function requestsOf(child: Child, tokens: readonly string[]): RequestTemplate {
  const { port } = child.ready as { readonly port: number }
  return {
    port,
    method: 'POST',
    path: () => `/api/v1/apps/${slug}/licenses/verify`,
    headers: { 'content-type': 'application/json' },
    body: (number) => JSON.stringify({ token: tokens[number % tokens.length] }),
  }
}

interface Piece {
  readonly cpu: number
  readonly requests: number
}

async function measurePiece(child: Child, requests: RequestTemplate): Promise<Piece> {
  const before = (await child.send('usage')) as Usage
  const sent = await sendLoad(requests, { connections, milliseconds: pieceMs })
  const { cpu } = (await child.send('usage')) as Usage
  return { cpu: cpu - before.cpu, requests: sent.requests }
}

/** Measures the CPU time of a request, in microseconds. `before` runs before each piece, and does not count. */
function cpuOf(
  child: Child,
  { milliseconds }: Effort,
  requests: RequestTemplate,
  before: () => unknown = () => {},
): () => Promise<number> {
  return async () => {
    let [cpu, count] = [0, 0]
    for (let time = 0; time < milliseconds; time += pieceMs) {
      await before()
      const piece = await measurePiece(child, requests)
      cpu += piece.cpu
      count += piece.requests
    }
    return cpu / count
  }
}

/** Compares the verification of a token over HTTP with a bare route that verifies the token as a JWT. */
export const verifyTokens: Benchmark = async (effort, databases) => {
  const fixture = await openFixture(await databases.create('licenses'), slug)
  await addLicenses(fixture, tokenCount)
  const tokens = await tokensOf(fixture)
  await fixture.close()
  const ours = await startChild(thisRuntime, 'server.ts', ['heartwood', fixture.location, slug])
  const baseline = await startChild(thisRuntime, 'server.ts', ['jwt-baseline', fixture.location, slug])
  const requests = requestsOf(ours, tokens)
  const few = requestsOf(ours, tokens.slice(0, 100))
  const long = { ...effort, milliseconds: warmUp * effort.milliseconds }
  await cpuOf(baseline, long, requestsOf(baseline, tokens))()
  await cpuOf(ours, long, requests, () => ours.send('forget'))()
  const figures = await measureInTurn(effort.rounds, {
    seen: cpuOf(ours, effort, few),
    baseline: cpuOf(baseline, effort, requestsOf(baseline, tokens)),
    unseen: cpuOf(ours, effort, requests, () => ours.send('forget')),
  })
  await Promise.all([ours.stop(), baseline.stop()])
  const row = (kind: 'seen' | 'unseen', atMost: number): Result => ({
    what: `Verify a token over HTTP that the server has ${kind === 'seen' ? 'seen before' : 'not seen'}: CPU time a request`,
    against: 'a bare Elysia route with jwtVerify of jose, without a look-up',
    runtime: thisRuntime,
    database: databases.database,
    figure: spreadOf(ratios(figures[kind], figures.baseline)),
    goal: { atMost },
    detail: `${formatMedian(figures[kind])} µs, ${formatMedian(figures.baseline)} µs`,
  })
  return [row('seen', 0.6), row('unseen', 1.35)]
}
