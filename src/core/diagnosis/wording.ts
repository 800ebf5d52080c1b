import { isoTime } from '../wire.ts'
import type { AppRecord, NumericDate } from '../storage/index.ts'

/** A time for people, in UTC: `23 January 2026, 10:00 UTC`. */
export function timeOf(seconds: NumericDate): string {
  const day = new Date(seconds * 1000).toLocaleDateString('en-GB', { dateStyle: 'long', timeZone: 'UTC' })
  return `${day}, ${isoTime(seconds).slice(11, 16)} UTC`
}

/** A count with its noun: `1 renewal`, `3 renewals`. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** Names in a row: `export, sync and webhooks`. */
export function rowOf(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

/** A command, and the route that does the same. */
export function action(command: string, { slug }: Pick<AppRecord, 'slug'>, route?: string): string {
  const over = route === undefined ? '' : `, or ${route.replace(' ', ` /api/v1/apps/${slug}`)}`
  return `\`heartwood ${command} --app ${slug}\`${over}`
}
