import type { ComponentChildren, JSX } from 'preact'
import { ago } from './times.ts'

const style = { dateStyle: 'medium', timeStyle: 'medium' } as const
const utc = new Intl.DateTimeFormat('en-GB', { ...style, timeZone: 'UTC' })
const local = new Intl.DateTimeFormat('en-GB', style)

/** A time as people say it. Its title has it to the second, in UTC and where the reader is. */
export function When({
  at,
  children,
}: {
  readonly at: number
  readonly children?: ComponentChildren
}): JSX.Element {
  const exact = at * 1000
  return (
    <time
      dateTime={new Date(exact).toISOString()}
      title={`${utc.format(exact)} UTC (${local.format(exact)} here)`}
    >
      {children ?? ago(at)}
    </time>
  )
}
