/**
 * `npm run bench` runs every benchmark, each against its reference in the same run. It writes bench/results.json, the table
 * in docs/benchmarks.md and the six rows in README.md.
 *
 * - `npm run bench -- --quick` takes a few minutes. It uses fewer licenses and writes no file.
 * - `npm run bench -- verify memory` runs these benchmarks alone, and replaces their rows.
 * - `npm run bench -- --pages` measures nothing. It writes both pages from bench/results.json.
 *
 * scripts/with-postgres.ts provides the PostgreSQL server: the one of `DATABASE_URL`, or one that it starts for the run.
 */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { givenServer, noPostgres } from '../test/storage/postgres-database.ts'
import { effortFor, fullEffort, quickEffort } from './benchmark.ts'
import type { Effort, Platform, Runtime } from './benchmark.ts'
import { start } from './child-process.ts'
import type { Result } from './result.ts'
import { countOf, lastReport, lineOf, replaceRows, type Row, write, writePages } from './table.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))

const runtimes: readonly Runtime[] = ['Bun', 'Node', 'Deno']
const bun: Platform = { runtime: 'Bun' }
const bunWithSqlite: Platform = { ...bun, database: 'SQLite' }
const everyRuntime: readonly Platform[] = runtimes.map((runtime) => ({ runtime }))
const withSqlite: readonly Platform[] = runtimes.map((runtime) => ({ runtime, database: 'SQLite' }))
const withBoth: readonly Platform[] = [
  ...withSqlite,
  ...runtimes.map((runtime) => ({ runtime, database: 'PostgreSQL' as const })),
]

/** The benchmarks in their order, each with its platforms. */
const plan: Readonly<Record<string, readonly Platform[]>> = {
  rotation: withBoth,
  'rotation-impact': [bunWithSqlite, { ...bun, database: 'PostgreSQL' }],
  'statement-cost': withSqlite,
  'app-creation': withSqlite,
  regeneration: withBoth,
  activation: withBoth,
  'license-keys': withBoth,
  verify: withBoth,
  'verify-token': withSqlite,
  'verify-under-load': withSqlite,
  'verify-without-framework': withSqlite,
  'verify-beside-writers': withSqlite,
  writes: withSqlite,
  renaming: [bunWithSqlite],
  'bulk-regeneration': withBoth,
  'list-pages': withBoth,
  'long-lists': [bunWithSqlite],
  search: [bunWithSqlite, { ...bun, database: 'PostgreSQL' }],
  'large-deletions': [bunWithSqlite],
  'deletion-locks': [{ ...bun, database: 'PostgreSQL' }],
  'background-turns': [bunWithSqlite],
  'event-queue': [bunWithSqlite],
  'audit-log': withSqlite,
  statistics: [bunWithSqlite, { ...bun, database: 'PostgreSQL' }],
  'verify-offline': everyRuntime,
  'walk-statements': everyRuntime,
  'client-size': [bun],
  memory: [bunWithSqlite],
  'body-memory': [bunWithSqlite],
  import: withSqlite,
  start: withSqlite,
  'other-packages': [bunWithSqlite],
}

/** The rows of a benchmark, with its name and today's date. */
async function measure(name: string, platform: Platform, effort: Effort): Promise<readonly Row[]> {
  const { runtime, database = 'SQLite' } = platform
  const child = start(runtime, 'run-benchmark.ts', [
    name,
    JSON.stringify(effortFor(platform, effort)),
    database,
  ])
  let output = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (output += text))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${name} on ${runtime}, ${database} failed`)
  const results = JSON.parse(output.trim().split('\n').at(-1)!) as readonly Result[]
  return results.map((result) => ({ benchmark: name, measuredOn: today(), ...result }))
}

function today(): string {
  return new Date().toISOString().slice(0, 10)
}

function hasPostgres(): boolean {
  if (givenServer() !== undefined) return true
  console.error(`Only SQLite is measured: ${noPostgres}`)
  return false
}

/** Installs the packages for comparison into this folder alone, so that `npm ci` of the project stays light. */
function installOtherPackages(): void {
  if (existsSync(`${folder}node_modules`)) return
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: 'inherit',
  })
}

function machine(): string {
  return `${availableParallelism()} cores of ${cpus()[0]?.model.trim() || 'unknown model'}, ${process.platform}`
}

/** The pairs of benchmark and platform to measure. Without chosen names, every benchmark. */
function measurementsOf(chosen: readonly string[]): readonly (readonly [name: string, platform: Platform])[] {
  const isAvailable = hasPostgres() ? () => true : ({ database }: Platform) => database !== 'PostgreSQL'
  return Object.entries(plan)
    .filter(([name]) => chosen.length === 0 || chosen.includes(name))
    .flatMap(([name, platforms]) =>
      platforms.filter(isAvailable).map((platform) => [name, platform] as const),
    )
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--pages')) {
    await writePages(await lastReport())
    return 0
  }
  const effort = args.includes('--quick') ? quickEffort : fullEffort
  const chosen = args.filter((arg) => arg !== '--quick')
  const unknown = chosen.find((name) => plan[name] === undefined)
  if (unknown !== undefined)
    throw new Error(`There is no benchmark ${unknown}. Choose from: ${Object.keys(plan).join(', ')}`)
  installOtherPackages()
  const results: Row[] = []
  for (const [name, platform] of measurementsOf(chosen)) {
    const measured = await measure(name, platform, effort)
    for (const result of measured) console.log(lineOf(result))
    results.push(...measured)
  }
  if (!effort.quick) {
    const kept = chosen.length === 0 ? [] : (await lastReport()).results
    await write({ machine: machine(), results: replaceRows(kept, results, Object.keys(plan)) })
  }
  console.log(`\n${countOf(results)}`)
  return 0
}

process.exit(await main(process.argv.slice(2)))
