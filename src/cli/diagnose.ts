import { diagnosisToWire } from '../adapters/routes/diagnosis.ts'
import { maxTextBytes } from '../core/diagnosis/diagnose.ts'
import type { Diagnosis, DiagnosticCheck } from '../core/index.ts'
import { withExistingDatabase } from './database.ts'
import type { CliSettings } from './settings.ts'
import { readStandardInput } from './standard-input.ts'
import { columns } from './terminal/columns.ts'
import { jsonOf, type AsJson, type Colour, type Output } from './terminal/output.ts'

/** The word before a check, and its colour. */
function markOf({ state, facts }: DiagnosticCheck): readonly [word: string, colour: Colour] {
  if (state === 'failed') return ['FAILED', 'red']
  if (state === 'not_reached') return ['-', 'grey']
  return facts['warning'] === undefined ? ['ok', 'green'] : ['note', 'yellow']
}

function printLadder({ checks }: Diagnosis, output: Output): void {
  const rows = checks.map((check) => [markOf(check)[0], check.check, check.sentence])
  const lines = columns(rows).split('\n')
  checks.forEach((check, at) => output.coloured(markOf(check)[1], lines[at] ?? ''))
}

function print(diagnosis: Diagnosis, output: Output): void {
  const { kind, app, licenseId, candidates, remedy } = diagnosis
  const head = [kind, ...(app === null ? [] : [`app ${app}`]), ...(licenseId === null ? [] : [licenseId])]
  output.line(head.join(', '))
  printLadder(diagnosis, output)
  if (candidates.length > 0) output.line(columns(candidates.map(({ id, label }) => [id, label])))
  if (remedy !== null) output.line(remedy)
}

/** A file in UTF-16 that was read as UTF-8 has a null beside each character. */
async function textOf(given: string): Promise<string> {
  return (given === '-' ? await readStandardInput(maxTextBytes) : given).replaceAll('\0', '')
}

/** Says why something that a customer sent is refused. `-` reads it from standard input, so that no history has it. */
export async function printDiagnosis(
  settings: CliSettings,
  given: string,
  { json }: AsJson,
  output: Output,
): Promise<void> {
  const text = await textOf(given)
  const diagnosis = await withExistingDatabase(settings, ({ licensing }) => licensing.diagnose({ text }))
  if (json) output.line(jsonOf(diagnosisToWire(diagnosis)))
  else print(diagnosis, output)
}
