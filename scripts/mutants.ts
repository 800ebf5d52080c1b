/**
 * Breaks the code on purpose, one small fault at a time, and reports the faults that no test notices.
 *
 * - `npm run mutants` takes every file of `scripts/mutants/subjects.ts`, for some 20 minutes.
 * - `npm run mutants -- jti seal` takes the mutants whose name has one of these texts.
 * - `npm run mutants -- --workers=2` tests two mutants at the same time.
 *
 * It works on copies in a temporary folder, so no mutant is ever written into the checkout.
 */
import { spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { explained } from './mutants/explained.ts'
import { mutantsOf, nameOfMutant, type Mutant } from './mutants/rules.ts'
import { subjects } from './mutants/subjects.ts'

/** A mutant with a name that no other one has. */
export interface NamedMutant extends Mutant {
  readonly name: string
}

type Outcome = 'failed' | 'hung' | 'survived'

interface Result {
  readonly mutant: NamedMutant
  readonly outcome: Outcome
}

/** Milliseconds after which a test file counts as hung, on a machine that is busy too. */
const patience = 60_000
/** Milliseconds for one test. A promise that never settles ends so. */
const testPatience = 20_000
const root = resolve(import.meta.dirname, '..')
const copied: readonly string[] = ['src', 'test', 'vectors', 'openapi.json', 'package.json', 'tsconfig.json']
/** Files in memory, as in the quick tests. */
const memoryFolder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** All mutants of the subjects. */
export function listMutants(): readonly NamedMutant[] {
  const files = Object.keys(subjects)
  const mutants = files.flatMap((file) => mutantsOf(file, readFileSync(join(root, file), 'utf8')))
  const known = new Map<string, number>()
  return mutants.map((mutant) => {
    const name = nameOfMutant(mutant)
    const count = (known.get(name) ?? 0) + 1
    known.set(name, count)
    return { ...mutant, name: count === 1 ? name : `${name} (${count})` }
  })
}

function makeCopy(folder: string): string {
  const copy = mkdtempSync(join(folder, 'copy-'))
  chmodSync(copy, 0o755)
  for (const path of copied) cpSync(join(root, path), join(copy, path), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

/** Runs one test file, given with its options. Resolves to `survived` if it passes. */
function runTest(copy: string, file: string): Promise<Outcome> {
  const args = ['test', '--bail', `--timeout=${testPatience}`, ...`./${file}`.split(' ')]
  const child = spawn('bun', args, { cwd: copy, stdio: 'ignore', env: { ...process.env, TMPDIR: copy } })
  let isLate = false
  const timer = setTimeout(() => (isLate = child.kill('SIGKILL')), patience)
  return new Promise((settle, reject) => {
    child.on('error', reject)
    child.on('exit', (status) => {
      clearTimeout(timer)
      settle(isLate ? 'hung' : status === 0 ? 'survived' : 'failed')
    })
  })
}

async function firstFailure(copy: string, files: readonly string[]): Promise<Outcome> {
  for (const file of files) {
    const outcome = await runTest(copy, file)
    if (outcome !== 'survived') return outcome
  }
  return 'survived'
}

async function testMutant(copy: string, mutant: NamedMutant): Promise<Outcome> {
  const path = join(copy, mutant.file)
  writeFileSync(path, mutant.text)
  try {
    return await firstFailure(copy, subjects[mutant.file] ?? [])
  } finally {
    writeFileSync(path, mutant.source)
  }
}

/** Tests that fail by themselves would kill every mutant. */
async function checkTests(copy: string, mutants: readonly NamedMutant[]): Promise<void> {
  const files = new Set(mutants.flatMap(({ file }) => subjects[file] ?? []))
  for (const file of files)
    if ((await runTest(copy, file)) !== 'survived') throw new Error(`${file} fails without any mutant`)
}

/** Each worker has its own copy and takes the next mutant. */
async function testAll(
  mutants: readonly NamedMutant[],
  workers: number,
  folder: string,
): Promise<readonly Result[]> {
  const results: Result[] = []
  const rest = mutants.values()
  const copies = Array.from({ length: workers }, () => makeCopy(folder))
  await checkTests(copies[0]!, mutants)
  const work = async (copy: string): Promise<void> => {
    for (const mutant of rest) {
      const outcome = await testMutant(copy, mutant)
      results.push({ mutant, outcome })
      if (outcome !== 'failed')
        console.log(`${results.length}/${mutants.length} ${outcome}: ${describe(mutant)}`)
    }
  }
  await Promise.all(copies.map(work))
  return results
}

function describe({ file, line, place, before, after }: NamedMutant): string {
  return `${file}:${line} ${place}: ${before} → ${after}`
}

interface Row {
  readonly mutants: number
  readonly killed: number
  readonly hung: number
  readonly explained: number
  readonly survived: number
}

function isExplained({ mutant }: Result): boolean {
  return Object.hasOwn(explained, mutant.name)
}

function rowOf(results: readonly Result[]): Row {
  const survivors = results.filter(({ outcome }) => outcome === 'survived')
  const known = survivors.filter(isExplained).length
  return {
    mutants: results.length,
    killed: results.length - survivors.length,
    hung: results.filter(({ outcome }) => outcome === 'hung').length,
    explained: known,
    survived: survivors.length - known,
  }
}

/** Explanations that name no mutant, because the code has changed. */
export function staleExplanations(mutants: readonly NamedMutant[]): readonly string[] {
  const names = new Set(mutants.map(({ name }) => name))
  return Object.keys(explained).filter((name) => !names.has(name))
}

function report(results: readonly Result[]): void {
  const files = [...new Set(results.map(({ mutant }) => mutant.file))]
  const rows = files.map((file) => [file, rowOf(results.filter(({ mutant }) => mutant.file === file))])
  console.table({ ...Object.fromEntries(rows), total: rowOf(results) })
  const survivors = results.filter(({ outcome }) => outcome === 'survived')
  for (const { mutant } of survivors.filter(isExplained))
    console.log(`explained: ${describe(mutant)}\n  ${explained[mutant.name]}`)
  for (const { mutant } of survivors.filter((result) => !isExplained(result)))
    console.log(`survived: ${describe(mutant)}\n  ${mutant.name}`)
  for (const { mutant } of results.filter((result) => result.outcome !== 'survived' && isExplained(result)))
    console.log(`explained, but killed: ${mutant.name}`)
}

/** Makes a folder that goes away with this process, also after Ctrl+C. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(memoryFolder, 'heartwood-mutants-'))
  // PostgreSQL's tests run as another user.
  chmodSync(folder, 0o755)
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
  return folder
}

async function main(args: readonly string[]): Promise<number> {
  const workers = Number(args.find((arg) => arg.startsWith('--workers='))?.slice('--workers='.length) ?? 1)
  const texts = args.filter((arg) => !arg.startsWith('--'))
  const all = listMutants()
  const mutants = all.filter(({ name }) => texts.length === 0 || texts.some((text) => name.includes(text)))
  const results = await testAll(mutants, workers, temporaryFolder())
  report(results)
  const stale = staleExplanations(all)
  for (const name of stale) console.log(`explains no mutant: ${name}`)
  return rowOf(results).survived + stale.length
}

if (import.meta.main) process.exit((await main(process.argv.slice(2))) === 0 ? 0 : 1)
