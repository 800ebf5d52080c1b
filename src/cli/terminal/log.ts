import { configure, getJsonLinesFormatter, getTextFormatter, type TextFormatter } from '@logtape/logtape'
import process from 'node:process'
import type { LogFormat } from '../settings.ts'

const secrets =
  /[sp]k_(?:live|test)_\w+|whsec_[\w+/=]+|eyJ[\w-]+\.[\w-]+\.[\w-]+|-----BEGIN [^-]*PRIVATE KEY-----[^-]*/g

/** A second line of defence: no code logs a secret. */
function redact(line: string): string {
  return line.replace(secrets, '[redacted]')
}

/** Replaces control characters, so that a text cannot end the line or move the cursor. */
function pretty(value: unknown, inspect: (value: unknown) => string): string {
  return typeof value === 'string' ? value.replace(/\p{Cc}/gu, '?') : inspect(value)
}

function formatter(format: LogFormat): TextFormatter {
  return format === 'json'
    ? getJsonLinesFormatter({ properties: 'flatten' })
    : getTextFormatter({ timestamp: 'rfc3339', level: 'full', category: '.', value: pretty })
}

/** Sends the log to standard error, because standard output is for results. */
export async function configureLog(format: LogFormat): Promise<void> {
  const write = formatter(format)
  await configure({
    reset: true,
    sinks: { stderr: (record) => void process.stderr.write(redact(write(record))) },
    loggers: [
      { category: 'heartwood', lowestLevel: format === 'off' ? null : 'info', sinks: ['stderr'] },
      { category: ['logtape', 'meta'], lowestLevel: 'error', sinks: ['stderr'] },
    ],
  })
}
