import { words } from './words.ts'

const day = 86_400
const language = document.documentElement.lang
const utc = { timeZone: 'UTC' } as const

const date = new Intl.DateTimeFormat('en-GB', { ...utc, day: 'numeric', month: 'long', year: 'numeric' })
const exact = new Intl.DateTimeFormat('en-GB', { ...utc, dateStyle: 'long', timeStyle: 'short' })
const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })

export function now(): number {
  return Math.floor(Date.now() / 1000)
}

/** The day of a time in UTC. Spaces do not break, so that a date stays on one line. */
export function dateOf(seconds: number): string {
  return date.format(seconds * 1000).replaceAll(' ', '\u00a0')
}

/** The time of a day in UTC, such as 14:05. */
export function clockOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(11, 16)
}

export function exactly(seconds: number): string {
  return `${exact.format(seconds * 1000)} UTC`
}

const units: readonly (readonly [seconds: number, unit: Intl.RelativeTimeFormatUnit])[] = [
  [365 * day, 'year'],
  [30 * day, 'month'],
  [day, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
]

/** A time as people say it: "3 hours ago", "in 12 days". */
export function ago(seconds: number): string {
  const difference = seconds - now()
  for (const [size, unit] of units)
    if (Math.abs(difference) >= size) return relative.format(Math.trunc(difference / size), unit)
  return words.justNow
}

/** The value of a date field, and back. */
export function toField(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10)
}

export function fromField(text: string): number {
  return Math.floor(Date.parse(`${text}T00:00:00Z`) / 1000)
}

export const days = (count: number): number => count * day
