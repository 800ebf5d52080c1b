/**
 * `npm run bench`: measures every row of the table in README.md, each against its reference in the same run, and writes
 * that table and bench/results.json. `--quick` takes a minute or two, counts fewer licenses and writes neither. Names of rows
 * measure those alone, and write nothing.
 */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { availableParallelism, cpus, platform } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { isMet, quickEffort, wholeEffort, type Effort, type Result, type Runtime } from './result.ts'
import { start } from './runtime.ts'
import { lineOf, write } from './table.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))

const everywhere: readonly Runtime[] = ['Bun', 'Node', 'Deno']

/** Each row, and what it is measured on. */
const plan: Readonly<Record<string, readonly Runtime[]>> = {
  rotation: ['Bun'],
  creation: ['Bun'],
  regeneration: everywhere,
  verify: ['Bun'],
  waiting: ['Bun'],
  bulk: ['Bun'],
  pages: ['Bun'],
  offline: everywhere,
  'client-size': ['Bun'],
  memory: ['Bun'],
  peers: ['Bun'],
}

async function measure(name: string, runtime: Runtime, effort: Effort): Promise<readonly Result[]> {
  const child = start(runtime, 'row.ts', [name, JSON.stringify(effort)])
  let output = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (output += text))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${name} on ${runtime} failed`)
  return JSON.parse(output.trim().split('\n').at(-1)!) as readonly Result[]
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
  const effort = args.includes('--quick') ? quickEffort : wholeEffort
  const chosen = args.filter((arg) => arg !== '--quick')
  const stranger = chosen.find((name) => plan[name] === undefined)
  if (stranger !== undefined) throw new Error(`There is no row ${stranger}: ${Object.keys(plan).join(', ')}`)
  installPeers()
  const results: Result[] = []
  for (const [name, runtimes] of Object.entries(plan))
    for (const runtime of chosen.length === 0 || chosen.includes(name) ? runtimes : []) {
      const measured = await measure(name, runtime, effort)
      for (const result of measured) console.log(lineOf(result))
      results.push(...measured)
    }
  if (!effort.quick && chosen.length === 0) await write({ machine: machine(), results })
  const short = results.filter((result) => !isMet(result)).length
  console.log(`\n${results.length} results, ${short} short of their goal`)
  return 0
}

process.exit(await main(process.argv.slice(2)))
