import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { isMet, shown, type Result } from './result.ts'

/** Everything that one run found out. */
export interface Report {
  readonly machine: string
  readonly results: readonly Result[]
}

const readme = new URL('../README.md', import.meta.url)
const resultsFile = new URL('results.json', import.meta.url)
const markers = ['<!-- bench:begin -->', '<!-- bench:end -->'] as const

function goalOf({ goal, unit = '×' }: Result): string {
  if (goal === undefined) return ''
  return 'atMost' in goal ? `≤ ${shown(goal.atMost)} ${unit}` : `≥ ${shown(goal.atLeast)} ${unit}`
}

function figureOf({ figure, unit = '×' }: Result): string {
  const spread = figure.least === figure.most ? '' : ` (${shown(figure.least)} to ${shown(figure.most)})`
  return `${shown(figure.median)} ${unit}${spread}`
}

function placeOf({ runtime, database }: Result): string {
  return database === undefined ? runtime : `${runtime}, ${database}`
}

/** A result as a line for people at a terminal. */
export function lineOf(result: Result): string {
  const { what, against, detail } = result
  const goal = result.goal === undefined ? '' : `, goal ${goalOf(result)}${isMet(result) ? '' : ': SHORT'}`
  const reference = against === '' ? '' : ` against ${against}`
  return `${what}${reference} [${placeOf(result)}]: ${figureOf(result)}${goal}; ${detail}`
}

function rowOf(result: Result): string {
  const cells = [
    result.what,
    result.against,
    placeOf(result),
    figureOf(result),
    goalOf(result),
    result.detail,
  ]
  return `| ${cells.join(' | ')} |`
}

/** The table, in Markdown. */
export function tableOf({ machine, results }: Report): string {
  return [
    '| what | against | on | median (least to most) | goal | in figures |',
    '| --- | --- | --- | --- | --- | --- |',
    ...results.map(rowOf),
    '',
    `Measured by \`npm run bench\` on ${machine}.`,
  ].join('\n')
}

/** The text with the table between its markers. @throws when they are not there. */
export function withTable(text: string, table: string): string {
  const [begin, end] = markers.map((marker) => text.indexOf(marker)) as [number, number]
  if (begin === -1 || end < begin) throw new Error(`README.md lacks ${markers.join(' and ')}`)
  return `${text.slice(0, begin + markers[0].length)}\n\n${table}\n\n${text.slice(end)}`
}

/** Writes the results down, and the table into README.md. */
export async function write(report: Report): Promise<void> {
  await writeFile(resultsFile, `${JSON.stringify(report, null, 2)}\n`)
  const text = withTable(await readFile(readme, 'utf8'), tableOf(report))
  const style = await resolveConfig(fileURLToPath(readme))
  await writeFile(readme, await format(text, { ...style, parser: 'markdown' }))
}
