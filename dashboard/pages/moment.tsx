import type { ComponentChildren, JSX } from 'preact'
import { ago, exactly } from '../times.ts'

const local = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' })

/** The time of a day in UTC, such as 14:05. */
export function clockOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(11, 16)
}

/** A time as people say it. Its title has it exactly, in UTC and by the clock of this computer. */
export function Moment({
  at,
  children,
}: {
  readonly at: number
  readonly children?: ComponentChildren
}): JSX.Element {
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={`${exactly(at)}\n${local.format(at * 1000)}`}>
      {children ?? ago(at)}
    </time>
  )
}
