/** The type of a name as `snakeCase` writes it. */
export type SnakeCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${SnakeCase<Rest>}`
  : Name

/** The name of a field in JSON: `installationId` becomes `installation_id`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** A time in JSON: seconds since 1970 as ISO 8601 in UTC, `2026-01-23T10:00:00Z`. */
export function isoTime(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
}

const otherTimes: ReadonlySet<string> = new Set(['asOf', 'at', 'clock', 'from', 'since', 'time', 'to'])

/** True for core's name of a time. The server and the remote client tell times by their names. */
export function isTimeName(name: string): boolean {
  return /(?:At|Until|On|Before|After)$/.test(name) || otherTimes.has(name)
}

/** True for core's name of a day, which is a time at its begin in UTC. JSON has it without hours: `2026-01-23`. */
export function isDayName(name: string): boolean {
  return name.endsWith('On')
}

/** Core's names of the objects whose names stay as they are: they are the vendor's own, or in the form of JSON already. */
const ownNames: ReadonlySet<string> = new Set(['metadata', 'limits', 'customLimits', 'changes', 'series'])

export function hasOwnNames(name: string): boolean {
  return ownNames.has(name)
}
