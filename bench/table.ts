import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { formatNumber, isMet, type Result } from './result.ts'

/** A result with its origin. */
export interface Row extends Result {
  /** The name of its benchmark. */
  readonly benchmark: string
  /** The day of its run, as `2026-11-30`. */
  readonly measuredOn: string
}

/** The results of one machine. Each row is from the last run of its benchmark. */
export interface Report {
  readonly machine: string
  readonly results: readonly Row[]
}

const resultsFile = new URL('results.json', import.meta.url)
const markers = ['<!-- bench:begin -->', '<!-- bench:end -->'] as const

/** The rows that the README shows, each on Bun and SQLite: how `what` and `against` begin, and its name there. */
const highlights = [
  ['Rotate the keys', 'signing every token', 'Rotate # licenses; sign each'],
  ['Create an app', 'generating', 'Create an app; generate its keys'],
  ['Regenerate over HTTP', 'jose', 'Regenerate over HTTP; sign only'],
  ['Verify a license over HTTP', 'a bare Elysia route', 'Verify over HTTP; a bare route'],
  ['Verify a license offline', 'jose', 'Verify offline; `jose` alone'],
  ['import "heartwood/client"', '', 'The client, bundled and gzipped'],
] as const

function goalOf({ goal, unit = '×' }: Result): string {
  if (goal === undefined) return ''
  return 'atMost' in goal
    ? `≤ ${formatNumber(goal.atMost)} ${unit}`
    : `≥ ${formatNumber(goal.atLeast)} ${unit}`
}

function medianOf({ figure, unit = '×' }: Result): string {
  return `${formatNumber(figure.median)} ${unit}`
}

function figureOf(result: Result): string {
  const { least, most } = result.figure
  return `${medianOf(result)}${least === most ? '' : ` (${formatNumber(least)} to ${formatNumber(most)})`}`
}

function placeOf({ runtime, database }: Result): string {
  return database === undefined ? runtime : `${runtime}, ${database}`
}

function verdictOf(result: Result): string {
  if (result.isTooSmall === true) return ': too small a run to be judged'
  return isMet(result) ? '' : ': MISSED'
}

/** A result as a line for people at a terminal. */
export function lineOf(result: Result): string {
  const { what, against, detail } = result
  const goal = result.goal === undefined ? '' : `, goal ${goalOf(result)}${verdictOf(result)}`
  const reference = against === '' ? '' : ` against ${against}`
  return `${what}${reference} [${placeOf(result)}]: ${figureOf(result)}${goal}; ${detail}`
}

/** The goal as the tables show it. */
function markedGoal(result: Result): string {
  return `${goalOf(result)}${isMet(result) ? '' : ', **missed**'}`
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** The number of rows, of goals and of missed goals. */
export function countOf(results: readonly Result[]): string {
  const goals = results.filter(({ goal }) => goal !== undefined).length
  const missed = results.filter((result) => !isMet(result)).length
  const tooSmall = results.filter(({ isTooSmall }) => isTooSmall === true).length
  const unjudged = tooSmall === 0 ? '' : `, ${tooSmall} too small to be judged`
  return `${results.length} rows, ${goals} with a goal, ${missed} of them missed${unjudged}`
}

/** All rows, in Markdown. */
export function tableOf({ machine, results }: Report): string {
  const rows = results.map((result) => {
    const { what, against, detail } = result
    return [what, against, placeOf(result), figureOf(result), markedGoal(result), detail]
  })
  const head = ['operation', 'reference', 'platform', 'median (lowest to highest)', 'goal', 'values']
  const days = [...new Set(results.map(({ measuredOn }) => measuredOn))].toSorted()
  const when = days.length < 2 ? `on ${days[0]}` : `from ${days[0]} to ${days.at(-1)}`
  const source = `Measured by \`npm run bench\` on ${machine}, ${when}.`
  return [`${countOf(results)}.`, '', markdown(head, rows), '', source].join('\n')
}

/** The six rows of the README, in Markdown. @throws {Error} if one is missing or there twice. */
export function highlightsOf({ results }: Report): string {
  const local = results.filter(
    ({ runtime, database = 'SQLite' }) => runtime === 'Bun' && database === 'SQLite',
  )
  const rows = highlights.map(([what, against, name]) => {
    const found = local.filter((result) => result.what.startsWith(what) && result.against.startsWith(against))
    const [result] = found
    if (result === undefined || found.length > 1) throw new Error(`${found.length} rows begin with "${what}"`)
    const count = /[\d,]{4,}/.exec(result.what)?.[0] ?? ''
    const figures = result.detail.replace(/;.*| in the median/, '')
    return [name.replace('#', count), figures, `${medianOf(result)} (${markedGoal(result)})`]
  })
  const link = '[All rows, with reasons](docs/benchmarks.md)'
  return `${markdown(['Bun, SQLite', 'ours, reference', 'result (goal)'], rows)}\n\n${link}: ${countOf(results)}.`
}

/** The text with the table between its markers. @throws {Error} if the markers are missing. */
export function withTable(text: string, table: string): string {
  const [begin, end] = markers.map((marker) => text.indexOf(marker)) as [number, number]
  if (begin === -1 || end < begin) throw new Error(`The page lacks ${markers.join(' and ')}`)
  return `${text.slice(0, begin + markers[0].length)}\n\n${table}\n\n${text.slice(end)}`
}

/** The pages that show results, as they are to be. */
export async function pagesOf(report: Report): Promise<ReadonlyMap<URL, string>> {
  const tables = { 'README.md': highlightsOf(report), 'docs/benchmarks.md': tableOf(report) }
  const pages = Object.entries(tables).map(async ([path, table]) => {
    const file = new URL(`../${path}`, import.meta.url)
    const style = await resolveConfig(fileURLToPath(file))
    const text = withTable(await readFile(file, 'utf8'), table)
    return [file, await format(text, { ...style, parser: 'markdown' })] as const
  })
  return new Map(await Promise.all(pages))
}

/** The rows with those of newer runs in place of older ones, in the order of the benchmarks. */
export function replaceRows(
  kept: readonly Row[],
  measured: readonly Row[],
  order: readonly string[],
): readonly Row[] {
  const runOf = (row: Row): string => `${row.benchmark} ${placeOf(row)}`
  const newer = new Set(measured.map(runOf))
  const rows = [...kept.filter((row) => !newer.has(runOf(row)) && order.includes(row.benchmark)), ...measured]
  return rows.toSorted((a, b) => order.indexOf(a.benchmark) - order.indexOf(b.benchmark))
}

/** The report of the last runs. */
export async function lastReport(): Promise<Report> {
  return JSON.parse(await readFile(resultsFile, 'utf8')) as Report
}

/** Writes README.md and docs/benchmarks.md. */
export async function writePages(report: Report): Promise<void> {
  for (const [file, text] of await pagesOf(report)) await writeFile(file, text)
}

/** Writes the results, and the pages that show them. */
export async function write(report: Report): Promise<void> {
  await writeFile(resultsFile, `${JSON.stringify(report, null, 2)}\n`)
  await writePages(report)
}
