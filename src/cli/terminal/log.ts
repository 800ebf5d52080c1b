import { configure, getJsonLinesFormatter, getTextFormatter, type TextFormatter } from '@logtape/logtape'
import type { LogFormat } from '../settings.ts'
import { printable, withoutControls } from './columns.ts'
import { jsonOf, writeNote } from './output.ts'
import { redact } from './redact.ts'

/** Replaces control characters, so that a text cannot end the line or move the cursor. */
function pretty(value: unknown, inspect: (value: unknown) => string): string {
  return typeof value === 'string' ? printable(value) : inspect(value)
}

/** Redacts value by value, because a pattern could take the end of a text for a part of a secret. */
function jsonFormatter(): TextFormatter {
  const format = getJsonLinesFormatter({ properties: 'flatten' })
  const redactText = (_name: string, value: unknown): unknown =>
    typeof value === 'string' ? redact(value) : value
  return (record) => `${jsonOf(JSON.parse(format(record), redactText) as object, 0)}\n`
}

function prettyFormatter(): TextFormatter {
  const format = getTextFormatter({ timestamp: 'rfc3339', level: 'full', category: '.', value: pretty })
  return (record) => withoutControls(redact(format(record)))
}

/** Sends the log to standard error, because standard output is for results. */
export async function configureLog(format: LogFormat): Promise<void> {
  const write = format === 'json' ? jsonFormatter() : prettyFormatter()
  await configure({
    reset: true,
    sinks: { stderr: (record) => writeNote(write(record)) },
    loggers: [
      { category: 'heartwood', lowestLevel: format === 'off' ? null : 'info', sinks: ['stderr'] },
      { category: ['logtape', 'meta'], lowestLevel: 'error', sinks: ['stderr'] },
    ],
  })
}
