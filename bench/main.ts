/**
 * `npm run bench`: measures every row, each against its reference in the same run. It writes bench/results.json, the table
 * in docs/benchmarks.md and the six rows in README.md.
 *
 * `--quick` takes a few minutes, counts fewer licenses and writes nothing. Names of rows measure those alone, and write
 * nothing either. `--pages` measures nothing and writes both pages from bench/results.json. PostgreSQL is that of
 * `DATABASE_URL`, or one that scripts/with-postgres.ts starts for the run.
 */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { availableParallelism, cpus, platform } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { givenServer, noPostgres } from '../test/storage/postgres-database.ts'
import { effortOn, quickEffort, wholeEffort } from './result.ts'
import type { Effort, Result, Runtime, Spot } from './result.ts'
import { start } from './child-process.ts'
import { countOf, lastReport, lineOf, write, writePages } from './table.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))

const runtimes: readonly Runtime[] = ['Bun', 'Node', 'Deno']
const bun: Spot = { runtime: 'Bun' }
const sqlite: Spot = { ...bun, database: 'SQLite' }
const everywhere: readonly Spot[] = runtimes.map((runtime) => ({ runtime }))
const onSqlite: readonly Spot[] = runtimes.map((runtime) => ({ runtime, database: 'SQLite' }))
const onBoth: readonly Spot[] = [
  ...onSqlite,
  ...runtimes.map((runtime) => ({ runtime, database: 'PostgreSQL' as const })),
]

/** Each row, and what it is measured on. */
const plan: Readonly<Record<string, readonly Spot[]>> = {
  rotation: onBoth,
  creation: onSqlite,
  regeneration: onBoth,
  verify: onBoth,
  waiting: onSqlite,
  bulk: onBoth,
  pages: onBoth,
  offline: everywhere,
  'client-size': [bun],
  memory: [sqlite],
  peers: [sqlite],
}

async function measure(name: string, spot: Spot, effort: Effort): Promise<readonly Result[]> {
  const { runtime, database = 'SQLite' } = spot
  const child = start(runtime, 'run-benchmark.ts', [name, JSON.stringify(effortOn(spot, effort)), database])
  let output = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (output += text))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${name} on ${runtime}, ${database} failed`)
  return JSON.parse(output.trim().split('\n').at(-1)!) as readonly Result[]
}

/** Where there is no server, its rows are left out. */
function hasPostgres(): boolean {
  if (givenServer() !== undefined) return true
  console.error(`Only on SQLite: ${noPostgres}`)
  return false
}

/** What is compared with comes from npm, into this folder alone. */
function installPeers(): void {
  if (existsSync(`${folder}node_modules`)) return
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: 'inherit',
  })
}

function machine(): string {
  return `${availableParallelism()} cores of ${cpus()[0]?.model.trim() || 'an unnamed kind'}, ${platform()}`
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--pages')) {
    await writePages(await lastReport())
    return 0
  }
  const effort = args.includes('--quick') ? quickEffort : wholeEffort
  const chosen = args.filter((arg) => arg !== '--quick')
  const stranger = chosen.find((name) => plan[name] === undefined)
  if (stranger !== undefined) throw new Error(`There is no row ${stranger}: ${Object.keys(plan).join(', ')}`)
  installPeers()
  const isSpared = hasPostgres() ? () => false : ({ database }: Spot) => database === 'PostgreSQL'
  const results: Result[] = []
  for (const [name, spots] of Object.entries(plan))
    for (const spot of chosen.length === 0 || chosen.includes(name) ? spots : []) {
      if (isSpared(spot)) continue
      const measured = await measure(name, spot, effort)
      for (const result of measured) console.log(lineOf(result))
      results.push(...measured)
    }
  if (!effort.quick && chosen.length === 0) await write({ machine: machine(), results })
  console.log(`\n${countOf(results)}`)
  return 0
}

process.exit(await main(process.argv.slice(2)))
