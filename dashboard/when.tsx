import type { JSX } from 'preact'
import { ago } from './times.ts'

const style = { dateStyle: 'medium', timeStyle: 'medium' } as const
const utc = new Intl.DateTimeFormat('en-GB', { ...style, timeZone: 'UTC' })
const local = new Intl.DateTimeFormat('en-GB', style)

/** A time to the second, in UTC and where the reader is. */
export function bothTimes(seconds: number): string {
  const at = seconds * 1000
  return `${utc.format(at)} UTC (${local.format(at)} here)`
}

/** A time as people say it; exact on hover. */
export function When({ at }: { readonly at: number }): JSX.Element {
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={bothTimes(at)}>
      {ago(at)}
    </time>
  )
}
