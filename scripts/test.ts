/**
 * `npm test`: builds, then runs one test tree on Bun, Deno and Node, and ends with `N passed, N failed`.
 *
 * The three count suites and subtests differently, so their numbers are compared with nothing.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

/** How many tests passed and failed. */
export interface Tally {
  readonly passed: number
  readonly failed: number
}

interface Runner {
  readonly name: string
  readonly takes: (file: string) => boolean
  readonly command: (files: readonly string[], report: string) => readonly string[]
}

/** What looks at the package or starts processes of its own is run once. */
const runOnce = /^test\/(package|cli)\//
/** A runner that hangs is ended; the longest takes some ten minutes on two busy cores. */
const patience = 1_500_000

const runners: readonly Runner[] = [
  {
    name: 'Bun',
    takes: () => true,
    command: (files, report) => [
      ...['bun', 'test', `--timeout=${patience}`, '--reporter=junit', `--reporter-outfile=${report}`],
      ...files.map((file) => `./${file}`),
    ],
  },
  {
    name: 'Deno',
    takes: (file) => !runOnce.test(file),
    command: (files, report) => [
      ...['deno', 'test', '--allow-all', '--no-check', '--no-lock', `--junit-path=${report}`],
      ...files,
    ],
  },
  {
    name: 'Node',
    takes: (file) => !runOnce.test(file),
    command: (files, report) => [
      ...['node', '--test', '--test-reporter=spec', '--test-reporter-destination=stdout'],
      ...['--test-reporter=junit', `--test-reporter-destination=${report}`],
      ...files,
    ],
  },
]

/** Reads a runner's JUnit report; a run that ended badly, or a file of which it says nothing, is a failure too. */
export function tally(files: readonly string[], report: string, exitCode: number | null): Tally {
  const count = (element: string): number => report.split(`<${element}`).length - 1
  const silent = files.filter((file) => !report.includes(`${file}"`))
  for (const file of silent) console.error(`No test ran in ${file}`)
  const failures = count('failure') + silent.length
  return {
    passed: count('testcase') - count('failure') - count('skipped'),
    failed: exitCode === 0 ? failures : Math.max(failures, 1),
  }
}

/** How the contract's cases went on one storage. */
export function describeContract(storage: string, report: string): string {
  const cases = report.split('<testcase ').slice(1)
  const contract = new RegExp(`"${storage} storage[^"]*: the contract`)
  const own = cases.filter((text) => contract.test(text.slice(0, text.indexOf('>'))))
  const failed = own.filter((text) => text.includes('<failure')).length
  const skipped = own.filter((text) => text.includes('<skipped')).length
  return `${own.length - failed - skipped} passed, ${failed} failed, ${skipped} skipped`
}

/** One contract, three storages, three runtimes. Answers how many of the nine did not run whole, which CI takes for failed. */
function printContractTable(reports: ReadonlyMap<string, string>): number {
  const rows = ['SQLite', 'PostgreSQL', 'memory'].map((storage) => {
    const cells = [...reports].map(([runtime, report]) => [runtime, describeContract(storage, report)])
    return [storage, Object.fromEntries(cells) as Record<string, string>] as const
  })
  console.table(Object.fromEntries(rows))
  const cells = rows.flatMap(([, row]) => Object.values(row))
  const whole = cells.filter((cell) => /^[1-9]\d* passed, \d+ failed, 0 skipped$/.test(cell))
  return process.env['CI'] === undefined ? 0 : cells.length - whole.length
}

function testFiles(): readonly string[] {
  return readdirSync('test', { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts'))
    .map((path) => `test/${path.replaceAll('\\', '/')}`)
    .toSorted()
}

function run(command: readonly string[]): number | null {
  const [program = '', ...args] = command
  return spawnSync(program, args, { stdio: 'inherit', timeout: patience, killSignal: 'SIGKILL' }).status
}

function runTests(runner: Runner, folder: string, reports: Map<string, string>): Tally {
  const files = testFiles().filter(runner.takes)
  const report = join(folder, `${runner.name}.xml`)
  console.log(`\n${runner.name}: ${files.length} files`)
  // Without a file to run, a runner would look for some itself.
  const exitCode = files.length === 0 ? null : run(runner.command(files, report))
  const text = existsSync(report) ? readFileSync(report, 'utf8') : ''
  reports.set(runner.name, text)
  const result = tally(files, text, exitCode)
  console.log(`${runner.name}: ${summary(result)}`)
  return result
}

function summary({ passed, failed }: Tally): string {
  return `${passed} passed, ${failed} failed`
}

function main(): number {
  const folder = mkdtempSync(join(tmpdir(), 'heartwood-test-'))
  const build: Tally = { passed: 0, failed: run(['npm', 'run', 'build']) === 0 ? 0 : 1 }
  const reports = new Map<string, string>()
  const tallies = [build, ...runners.map((runner) => runTests(runner, folder, reports))]
  const gaps: Tally = { passed: 0, failed: printContractTable(reports) }
  rmSync(folder, { recursive: true })
  const total = [...tallies, gaps].reduce((sum, next) => ({
    passed: sum.passed + next.passed,
    failed: sum.failed + next.failed,
  }))
  console.log(`\n${summary(total)}`)
  return total.failed === 0 ? 0 : 1
}

if (import.meta.main) process.exit(main())
