/**
 * Runs the tests and ends with the line `N passed, N failed`.
 *
 * - `npm test` builds, then runs one test tree on Bun, and on Deno and Node beside it.
 * - `npm run test:bun`, `test:deno` and `test:node` do that on one runtime.
 * - `npm run test:quick` runs on Bun what needs neither build nor PostgreSQL, in less than a minute.
 * - `npm run test:node -- client/license cli` runs the files whose paths contain one of these texts.
 *
 * The three runtimes count suites and subtests differently. Their numbers cannot be compared.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { isIn, isOnEachRuntime } from './test/only-on-bun.ts'
import { builtVariable } from '../test/support/built.ts'
import { leftOutVariable } from '../test/support/left-out.ts'

/** The counts of passed and failed tests. */
export interface Tally {
  readonly passed: number
  readonly failed: number
}

interface Runner {
  readonly name: string
  readonly takes: (file: string) => boolean
  readonly command: (files: readonly string[], report: string) => readonly string[]
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>
}

interface Plan {
  /** Each lane runs its runners one after another, beside the other lanes. */
  readonly lanes: readonly (readonly Runner[])[]
  /** True if its tests need `dist`. */
  readonly builds: boolean
  /** True if every storage must run the whole contract. */
  readonly coversContract: boolean
}

/** The file in which the tests list what they leave out. */
const leftOutName = 'left-out.txt'
/** Milliseconds until a runner is killed. The longest takes 25 minutes on two cores, and twice that beside other work. */
const timeout = 3_600_000

/** The files and folders that `npm run test:quick` leaves out, with the reason. */
export const notQuick: Readonly<Record<string, string>> = {
  'test/package/': 'needs a build, a browser and all three runtimes',
  'test/adapters/slow-connections.test.ts': 'waits until the server closes connections',
  'test/cli/': 'starts processes; half of it needs PostgreSQL',
  'test/verifiers/': 'needs Python, Go, Java, PHP and Mono',
  'test/documents/': 'starts servers, curl and Python',
  'test/adapters/frameworks.test.ts': 'listens with seven frameworks',
  'test/adapters/handler-mounts.test.ts': 'listens with seven frameworks',
  'test/adapters/rate-limit-crowd.test.ts': 'sends 100,000 requests',
  'test/storage/audit-chain.test.ts': 'needs PostgreSQL',
  'test/storage/audit-faults.test.ts': 'needs PostgreSQL',
  'test/storage/beside-deletion.test.ts': 'needs PostgreSQL',
  'test/storage/deletions.test.ts': 'needs PostgreSQL',
  'test/storage/ensure.test.ts': 'needs PostgreSQL',
  'test/storage/idempotent-work.test.ts': 'needs PostgreSQL',
  'test/storage/succession.test.ts': 'needs PostgreSQL',
  'test/storage/statistics.test.ts': 'needs PostgreSQL',
  'test/storage/killed-rotation.test.ts': 'kills processes',
  'test/storage/broken-work.test.ts': 'needs PostgreSQL',
  'test/storage/kysely.test.ts': 'needs PostgreSQL',
  'test/storage/license-keys.test.ts': 'needs PostgreSQL',
  'test/storage/long-lists.test.ts': 'writes 36,000 records',
  'test/storage/migrations.test.ts': 'needs PostgreSQL',
  'test/storage/postgres.test.ts': 'needs PostgreSQL',
  'test/storage/postgres-plans.test.ts': 'needs PostgreSQL',
  'test/storage/postgres-recovery.test.ts': 'needs PostgreSQL',
  'test/storage/queue-limit.test.ts': 'needs PostgreSQL',
  'test/storage/meeting-updates.test.ts': 'needs PostgreSQL',
  'test/storage/license-orders.test.ts': 'writes 12,000 licenses',
  'test/storage/search-plans.test.ts': 'needs PostgreSQL, writes 40,000 records',
  'test/storage/round-trips.test.ts': 'needs PostgreSQL',
  'test/storage/races.test.ts': 'needs PostgreSQL',
  'test/storage/wal-cut.test.ts': 'kills processes',
  'test/storage/whole-transactions.test.ts': 'needs PostgreSQL',
  'test/webhooks/bad-receivers.test.ts': 'needs PostgreSQL, kills processes',
  'test/sdk/flows.test.ts': 'runs core’s flows once more, over a port',
  'test/client/earlier-client.test.ts': 'runs the whole lifecycle table three times',
  'test/client/earlier-server.test.ts': 'runs the whole lifecycle table once more',
  'test/client/file-store.test.ts': 'starts processes',
  'test/client/silent-store-table.test.ts': 'runs the whole lifecycle table four times',
  'test/client/hostile-tokens.test.ts': 'runs hundreds of vectors, as test/core does',
  'test/adapters/license-keys/postgres.test.ts': 'needs PostgreSQL',
  'test/core/diagnosis/postgres.test.ts': 'needs PostgreSQL',
  'test/adapters/naughty-strings.test.ts': 'runs hundreds of strings through every route',
  'test/adapters/naughty-values.test.ts': 'runs hundreds of strings through every route',
}

/** True if `npm run test:quick` runs this test file. */
export function isQuick(file: string): boolean {
  return !isIn(notQuick, file)
}

function bunTest(options: readonly string[]): Runner['command'] {
  return (files, report) => [
    'bun',
    'test',
    `--timeout=${timeout}`,
    '--reporter=junit',
    `--reporter-outfile=${report}`,
    ...options,
    ...files.map((file) => `./${file}`),
  ]
}

const bun: Runner = { name: 'Bun', takes: () => true, command: bunTest([]) }

/** A folder in memory, which Linux has. Otherwise the quick tests would spend half their time on flushing files to disk. */
const memoryFolder = '/dev/shm'

const quick: Runner = {
  name: 'Bun',
  takes: isQuick,
  command: bunTest(['--parallel', '--no-isolate', '--only-failures']),
  env: existsSync(memoryFolder) ? { TMPDIR: memoryFolder } : {},
}

const deno: Runner = {
  name: 'Deno',
  takes: isOnEachRuntime,
  command: (files, report) => [
    'deno',
    'test',
    '--allow-all',
    '--no-check',
    '--no-lock',
    `--junit-path=${report}`,
    ...files,
  ],
}

const node: Runner = {
  name: 'Node',
  takes: isOnEachRuntime,
  command: (files, report) => [
    'node',
    '--test',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=junit',
    `--test-reporter-destination=${report}`,
    ...files,
  ],
}

/** The plans, by the argument that asks for them. */
const plans: Readonly<Record<string, Plan>> = {
  all: { lanes: [[bun], [deno, node]], builds: true, coversContract: true },
  bun: { lanes: [[bun]], builds: true, coversContract: true },
  deno: { lanes: [[deno]], builds: false, coversContract: true },
  node: { lanes: [[node]], builds: false, coversContract: true },
  quick: { lanes: [[quick]], builds: false, coversContract: false },
}

/**
 * Counts the tests of a JUnit report. A bad exit code counts as a failure, and so does a file missing from the report. A file
 * may be missing if tests were left out, because Bun does not report a suite that is skipped as a whole.
 */
export function tally(
  files: readonly string[],
  report: string,
  exitCode: number | null,
  hasLeftOut = false,
): Tally {
  const count = (element: string): number => report.split(`<${element}`).length - 1
  const silent = files.filter((file) => !report.includes(`${file}"`))
  for (const file of silent) console.error(`No test ran in ${file}`)
  const failures = count('failure') + (hasLeftOut && report !== '' ? 0 : silent.length)
  return {
    passed: count('testcase') - count('failure') - count('skipped'),
    failed: exitCode === 0 ? failures : Math.max(failures, 1),
  }
}

/** Counts the results of the storage contract on one storage. */
export function describeContract(storage: string, report: string): string {
  const cases = report.split('<testcase ').slice(1)
  const contract = new RegExp(`"${storage} storage[^"]*: the contract`)
  const ofContract = cases.filter((text) => contract.test(text.slice(0, text.indexOf('>'))))
  const failed = ofContract.filter((text) => text.includes('<failure')).length
  const skipped = ofContract.filter((text) => text.includes('<skipped')).length
  return `${ofContract.length - failed - skipped} passed, ${failed} failed, ${skipped} skipped`
}

/** Prints the results of the storage contract by storage and runtime. Returns the number of incomplete cells on CI, or 0. */
function printContractTable(reports: ReadonlyMap<string, string>): number {
  const rows = ['SQLite', 'PostgreSQL', 'memory'].map((storage) => {
    const cells = [...reports].map(([runtime, report]) => [runtime, describeContract(storage, report)])
    return [storage, Object.fromEntries(cells) as Record<string, string>] as const
  })
  console.table(Object.fromEntries(rows))
  const cells = rows.flatMap(([, row]) => Object.values(row))
  const complete = cells.filter((cell) => /^[1-9]\d* passed, \d+ failed, 0 skipped$/.test(cell))
  return process.env['CI'] === undefined ? 0 : cells.length - complete.length
}

/** Every test file, from the repository's root, sorted. */
export function testFiles(): readonly string[] {
  return readdirSync('test', { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts'))
    .map((path) => `test/${path.replaceAll('\\', '/')}`)
    .toSorted()
}

/** The output of a process: that of this one, or an open file. */
type Output = 'inherit' | number

/** Runs a command. Resolves to its exit code, or to `null` if a signal stopped it. */
async function run(
  [program = '', ...args]: readonly string[],
  added: Runner['env'] = {},
  output: Output = 'inherit',
): Promise<number | null> {
  const env = { ...process.env, ...added }
  const child = spawn(program, args, {
    stdio: ['inherit', output, output],
    env,
    timeout,
    killSignal: 'SIGKILL',
  })
  const [status, signal] = (await once(child, 'close')) as [number | null, string | null]
  if (signal !== null)
    console.error(`\n${program} was stopped by ${signal}: it may take ${timeout / 60_000} minutes`)
  return status
}

/** The test files whose paths contain one of the texts; without texts, every one. */
function filesWith(texts: readonly string[]): readonly string[] {
  return testFiles().filter((file) => texts.length === 0 || texts.some((text) => file.includes(text)))
}

/** The part of a run that its lanes share. */
interface Run {
  readonly files: readonly string[]
  readonly folder: string
  /** The JUnit reports, by runner. */
  readonly reports: Map<string, string>
}

async function runTests(
  runner: Runner,
  { files: chosen, folder, reports }: Run,
  output: Output,
): Promise<Tally> {
  const files = chosen.filter(runner.takes)
  const report = join(folder, `${runner.name}.xml`)
  console.log(`\n${runner.name}: ${files.length} files`)
  // A runner without files would search for tests itself.
  const exitCode = files.length === 0 ? null : await run(runner.command(files, report), runner.env, output)
  const text = existsSync(report) ? readFileSync(report, 'utf8') : ''
  reports.set(runner.name, text)
  const result = tally(files, text, exitCode, existsSync(join(folder, leftOutName)))
  console.log(`${runner.name}: ${summary(result)}`)
  return result
}

/** Runs a lane. Only the first one prints as it goes on: the output of two at once would be a riddle. */
async function runLane(runners: readonly Runner[], lane: number, all: Run): Promise<Lane> {
  const log = join(all.folder, `lane-${lane}.log`)
  const output = lane === 0 ? 'inherit' : openSync(log, 'w')
  const tallies: Tally[] = []
  for (const runner of runners) tallies.push(await runTests(runner, all, output))
  if (output !== 'inherit') closeSync(output)
  return { tallies, log }
}

interface Lane {
  readonly tallies: readonly Tally[]
  /** The file with its output; the first lane has none. */
  readonly log: string
}

async function runLanes(lanes: Plan['lanes'], all: Run): Promise<readonly Tally[]> {
  const ended = await Promise.all(lanes.map((runners, lane) => runLane(runners, lane, all)))
  for (const { log } of ended) if (existsSync(log)) console.log(readFileSync(log, 'utf8'))
  return ended.flatMap(({ tallies }) => tallies)
}

function summary({ passed, failed }: Tally): string {
  return `${passed} passed, ${failed} failed`
}

function sum(tallies: readonly Tally[]): Tally {
  const total = (count: (tally: Tally) => number): number => tallies.reduce((n, next) => n + count(next), 0)
  return { passed: total(({ passed }) => passed), failed: total(({ failed }) => failed) }
}

async function build(): Promise<Tally> {
  const isBuilt = (await run(['npm', 'run', 'build'])) === 0
  if (isBuilt) process.env[builtVariable] = 'true'
  return { passed: 0, failed: isBuilt ? 0 : 1 }
}

async function runPlan({ lanes, builds, coversContract }: Plan, texts: readonly string[]): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'heartwood-test-'))
  const leftOut = join(folder, leftOutName)
  process.env[leftOutVariable] = leftOut
  const reports = new Map<string, string>()
  const tallies = builds ? [await build()] : []
  tallies.push(...(await runLanes(lanes, { files: filesWith(texts), folder, reports })))
  if (coversContract && texts.length === 0) tallies.push({ passed: 0, failed: printContractTable(reports) })
  printLacking(leftOut)
  rmSync(folder, { recursive: true })
  return sum(tallies)
}

/** Describes what the tests left out, each line once; empty if that is nothing. */
export function describeLeftOut(text: string): string {
  const lines = [...new Set(text.split('\n').filter((line) => line !== ''))]
  const title = 'Left out, because this machine lacks something. With CI=true each of these fails:'
  return lines.length === 0 ? '' : [title, ...lines.map((line) => `  ${line}`)].join('\n')
}

function printLacking(file: string): void {
  if (existsSync(file)) console.log(`\n${describeLeftOut(readFileSync(file, 'utf8'))}`)
}

function printLeftOut(): void {
  console.log('\nLeft out, and run by npm test:')
  for (const [path, reason] of Object.entries(notQuick)) console.log(`  ${path}: ${reason}`)
}

async function main(name = 'all', ...texts: readonly string[]): Promise<number> {
  const plan = plans[name]
  if (plan === undefined) throw new Error(`${name} is not one of ${Object.keys(plans).join(', ')}`)
  const total = await runPlan(plan, texts)
  if (name === 'quick') printLeftOut()
  console.log(`\n${summary(total)}`)
  return total.failed === 0 ? 0 : 1
}

if (import.meta.main) process.exit(await main(...process.argv.slice(2)))
