import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Benchmark } from '../benchmark.ts'
import { start, thisRuntime } from '../child-process.ts'
import { addLicenses, installationOf, masterKey, openFixture } from '../fixtures.ts'
import { durationOf, measureInTurn, ratios, spreadOf } from '../measure.ts'
import { formatMedian } from '../result.ts'

const built = '../dist/cli/main.js'
const path = `/api/v1/apps/bench/licenses/verify?installation_id=${installationOf(1)}`

/** Measures the time from the start of a program to its first response. */
function firstResponse(file: string, args: readonly string[]): () => Promise<number> {
  return async () => {
    let stop = (): void => {}
    const milliseconds = await durationOf(async () => {
      const program = start(thisRuntime, file, args, { HEARTWOOD_MASTER_KEY: masterKey })
      stop = () => void program.kill('SIGKILL')
      const response = await fetch(new URL(path, await addressOf(program.stdout!)))
      if (!(await response.text()).includes('"valid":true')) throw new Error(`${file} does not verify`)
    })
    stop()
    return milliseconds
  }
}

async function addressOf(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const [, url] = /listens on (\S+)/.exec(line) ?? []
    if (url !== undefined) return url
  }
  throw new Error('The server ended')
}

/** Compares the start of the built command line, up to its first verification, with the start of a bare Elysia route. */
export const startToFirstResponse: Benchmark = async ({ rounds }, databases) => {
  if (!existsSync(new URL(`../${built}`, import.meta.url))) throw new Error('Run npm run build first')
  const fixture = await openFixture(await databases.create('start'), 'bench')
  await addLicenses(fixture, 10)
  await fixture.close()
  const figures = await measureInTurn(rounds, {
    ours: firstResponse(built, ['serve', '--port', '0', '--database', fixture.location]),
    bare: firstResponse('bare-start.mjs', []),
  })
  return [
    {
      what: 'Start `heartwood serve` as built, up to the first verification',
      against: 'a bare Elysia route, up to its first response',
      runtime: thisRuntime,
      database: 'SQLite',
      figure: spreadOf(ratios(figures.ours, figures.bare)),
      detail: `${formatMedian(figures.ours)} ms, ${formatMedian(figures.bare)} ms`,
    },
  ]
}
