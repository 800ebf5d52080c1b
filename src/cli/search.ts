import { toWire } from '../adapters/http/wire.ts'
import type { Mode, SearchResult } from '../core/index.ts'
import { withExistingDatabase } from './database.ts'
import type { CliSettings } from './settings.ts'
import { readStandardInput } from './standard-input.ts'
import { printList, type ListFormat } from './terminal/listing.ts'
import type { AsJson, Output } from './terminal/output.ts'

export interface SearchCommandOptions extends AsJson {
  /** Default both modes. */
  readonly mode?: Mode
}

const format: ListFormat<SearchResult> = {
  head: ['KIND', 'APP', 'ID', 'LABEL'],
  row: ({ kind, app, id, label }) => [kind, app, id, label],
  toJson: toWire,
}

/** Characters. The longest text that a search takes is far shorter. */
const maxTextLength = 64 * 1024

/** Searches all apps. `-` reads standard input, which keeps the text out of the shell's history. */
export async function searchRecords(
  settings: CliSettings,
  text: string,
  { mode, json }: SearchCommandOptions,
  output: Output,
): Promise<void> {
  const sought = text === '-' ? (await readStandardInput(maxTextLength)).trim() : text
  await withExistingDatabase(settings, async ({ licensing }) => {
    const found = await licensing.search(sought, mode === undefined ? {} : { mode })
    await printList(pagesOfOne(found), format, { json }, output)
  })
}

async function* pagesOfOne<Item>(items: readonly Item[]): AsyncGenerator<readonly Item[]> {
  yield items
}
