/**
 * Runs core's flows in process and over HTTP, on all three runtimes, and prints one table.
 *
 * - `npm run flows` prints the whole table.
 * - `test/sdk/flows.test.ts` runs the column of its own runtime over HTTP.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

/** Core's tests that go through the public surface alone, and so say nothing of the process that licensing runs in. */
export const flows: readonly string[] = [
  'core/all',
  'core/api-key-rules',
  'core/api-key-secrets',
  'core/api-keys',
  'core/apps',
  'core/bulk',
  'core/customers',
  'core/flow',
  'core/hostile-tokens',
  'core/license-changes',
  'core/license-keys/activation',
  'core/license-keys/license-keys',
  'core/license-keys/release',
  'core/license-keys/sales',
  'core/licenses',
  'core/paging',
  'core/races',
  'core/regeneration',
  'core/rotation',
  'core/tiers',
  'core/verification',
  'webhooks/events',
].map((name) => `test/${name}.test.ts`)

export type Runtime = 'Bun' | 'Deno' | 'Node'
export type Surface = 'in process' | 'over HTTP'

/** The results of one file. */
export interface FlowResult {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

const commands: Readonly<Record<Runtime, (report: string) => readonly string[]>> = {
  Bun: (report) => ['bun', 'test', '--timeout=120000', '--reporter=junit', `--reporter-outfile=${report}`],
  Deno: (report) => ['deno', 'test', '--allow-all', '--no-check', '--no-lock', `--junit-path=${report}`],
  // The servers of the tests would keep a process alive.
  Node: (report) => [
    'node',
    '--test',
    '--test-force-exit',
    '--test-isolation=none',
    '--test-reporter=junit',
    `--test-reporter-destination=${report}`,
  ],
}

function resultOf(file: string, cases: readonly string[]): FlowResult {
  const own = cases.filter((text) => text.slice(0, text.indexOf('>')).includes(file))
  const failed = own.filter((text) => text.includes('<failure')).length
  const skipped = own.filter((text) => text.includes('<skipped')).length
  return { passed: own.length - failed - skipped, failed, skipped }
}

/** Runs every flow once. Resolves to the results by file. A run that ends badly without a failure counts as one. */
export function runFlows(runtime: Runtime, surface: Surface): ReadonlyMap<string, FlowResult> {
  const folder = mkdtempSync(join(tmpdir(), 'heartwood-flows-'))
  const report = join(folder, 'report.xml')
  const { NODE_TEST_CONTEXT: _outer, ...env } = process.env
  if (surface === 'over HTTP') env['HEARTWOOD_TEST_LICENSING'] = 'http'
  const [program = '', ...args] = commands[runtime](report)
  const { status } = spawnSync(program, [...args, ...flows.map((file) => `./${file}`)], {
    env,
    maxBuffer: 1e9,
  })
  const cases = readFileSync(report, 'utf8').split('<testcase ').slice(1)
  rmSync(folder, { recursive: true })
  const results = new Map(flows.map((file) => [file, resultOf(file, cases)]))
  const isRed = [...results.values()].some(({ failed }) => failed > 0)
  for (const text of cases.filter((each) => each.includes('<failure')))
    console.error(`${runtime}, ${surface}: ${text.slice(0, 2_000)}`)
  if (status !== 0 && !isRed) throw new Error(`${runtime} ${surface}: ended with ${status}`)
  return results
}

export function inWords({ passed, failed, skipped }: FlowResult): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} left out`}`
}

function main(): number {
  const table: Record<string, Record<string, string>> = Object.fromEntries(flows.map((file) => [file, {}]))
  let failures = 0
  for (const runtime of ['Bun', 'Deno', 'Node'] as const)
    for (const surface of ['in process', 'over HTTP'] as const)
      for (const [file, result] of runFlows(runtime, surface)) {
        table[file]![`${runtime}, ${surface}`] = inWords(result)
        failures += result.failed + (result.passed === 0 ? 1 : 0)
      }
  console.table(table)
  return failures === 0 ? 0 : 1
}

if (import.meta.main) process.exit(main())
