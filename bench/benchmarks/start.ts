import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Benchmark } from '../benchmark.ts'
import { start, thisRuntime } from '../child-process.ts'
import { addLicenses, installationOf, masterKey, openFixture } from '../fixtures.ts'
import { durationOf, measureInTurn, ratios, spreadOf, type Contender } from '../measure.ts'
import { formatMedian, type Result } from '../result.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const built = '../dist/cli/main.js'
const path = `/api/v1/apps/bench/licenses/verify?installation_id=${installationOf(1)}`
const env = { HEARTWOOD_MASTER_KEY: masterKey }

/** A server that begins to start, and the function that ends it. */
interface Started {
  readonly program: ChildProcess
  readonly end: () => void
}

/** Measures the time from the start of a program to its first response. */
function firstResponse(begin: () => Started): Contender {
  return async () => {
    let stop = (): void => {}
    const milliseconds = await durationOf(async () => {
      const { program, end } = begin()
      stop = end
      const response = await fetch(new URL(path, await addressOf(program.stdout!)))
      if (!(await response.text()).includes('"valid":true')) throw new Error('The program does not verify')
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

/** Starts a file on the runtime of this process. */
function onThisRuntime(file: string, args: readonly string[]): Started {
  const program = start(thisRuntime, file, args, env)
  return { program, end: () => void program.kill('SIGKILL') }
}

/** Starts a program in the clone, and ends the programs that it has started too. */
function inClone(command: string, args: readonly string[]): Started {
  const program = spawn(command, args, {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  return { program, end: () => void process.kill(-program.pid!, 'SIGKILL') }
}

/** Compares the start of the single executable with `npm start`. Both make pages and packages ready in their own way. */
async function executableRow(rounds: number, flags: readonly string[]): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'heartwood-bench-'))
  try {
    execFileSync('node', ['scripts/executable.mjs', `--out=${folder}`], { cwd: root })
    const figures = await measureInTurn(rounds, {
      ours: firstResponse(() => inClone(join(folder, 'heartwood'), ['serve', ...flags])),
      npm: firstResponse(() => inClone('npm', ['start', '--', ...flags])),
    })
    return {
      what: 'Start the single executable, up to the first verification',
      against: '`npm start` in a clone, up to the same',
      runtime: thisRuntime,
      database: 'SQLite',
      figure: spreadOf(ratios(figures.ours, figures.npm)),
      detail: `${formatMedian(figures.ours)} ms, ${formatMedian(figures.npm)} ms`,
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Compares the start of the built command line with the start of a bare Elysia route. */
async function builtRow(rounds: number, flags: readonly string[]): Promise<Result> {
  const figures = await measureInTurn(rounds, {
    ours: firstResponse(() => onThisRuntime(built, ['serve', ...flags])),
    bare: firstResponse(() => onThisRuntime('bare-start.mjs', [])),
  })
  return {
    what: 'Start `heartwood serve` as built, up to the first verification',
    against: 'a bare Elysia route, up to its first response',
    runtime: thisRuntime,
    database: 'SQLite',
    figure: spreadOf(ratios(figures.ours, figures.bare)),
    detail: `${formatMedian(figures.ours)} ms, ${formatMedian(figures.bare)} ms`,
  }
}

/** Measures the start of a server, up to its first verification. Bun alone makes executables. */
export const startToFirstResponse: Benchmark = async ({ rounds }, databases) => {
  if (!existsSync(new URL(`../${built}`, import.meta.url))) throw new Error('Run npm run build first')
  const fixture = await openFixture(await databases.create('start'), 'bench')
  await addLicenses(fixture, 10)
  await fixture.close()
  const flags = ['--port', '0', '--database', fixture.location]
  const row = await builtRow(rounds, flags)
  return thisRuntime === 'Bun' ? [row, await executableRow(rounds, flags)] : [row]
}
