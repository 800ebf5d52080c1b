import type { App, RotationImpact, SigningKey } from '../src/core/index.ts'
import { licensing } from './api.ts'
import { useKnown } from './data.ts'
import { names, type Asked } from './known.ts'
import { base } from './place.ts'
import { isSecretKey, may } from './session.ts'
import { now } from './times.ts'

export const keysName = (app: string): string => `signing keys ${app}`

/** The signing keys of an app, the active one first; `null` for a public key, which may not list them. */
export function useSigningKeys(app: string): Asked<readonly SigningKey[] | null> {
  return useKnown(keysName(app), (signal) =>
    isSecretKey() && may('catalogue:read')
      ? licensing.withOptions({ signal }).apps.keys(app)
      : Promise.resolve(null),
  )
}

/** The recovery keys of an app, as the newest statement names them. */
export interface Recovery {
  readonly threshold: number
  readonly kids: readonly string[]
}

interface TrustFile {
  readonly statements: readonly { readonly payload: string }[]
}

export function addressOf(app: string, file: 'trust.json' | 'jwks.json'): string {
  return new URL(`api/v1/apps/${encodeURIComponent(app)}/${file}`, base).href
}

function payloadOf(text: string): { readonly recovery: Recovery | null } {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = Uint8Array.from(binary, (each) => each.charCodeAt(0))
  return JSON.parse(new TextDecoder().decode(bytes)) as { recovery: Recovery | null }
}

/** The file is public, and the remote client has no room for it, so the page fetches it as a program does. */
async function readRecovery(app: string, signal: AbortSignal): Promise<Recovery | null> {
  const response = await fetch(addressOf(app, 'trust.json'), { signal })
  const { statements } = (await response.json()) as TrustFile
  const last = statements.at(-1)
  return last === undefined ? null : payloadOf(last.payload).recovery
}

export function useRecovery(app: string): Asked<Recovery | null> {
  return useKnown(`${keysName(app)} recovery`, (signal) => readRecovery(app, signal))
}

/** Numbers of active licenses by their last renewal. */
export interface Fleet {
  readonly all: number
  /** They renewed before the time, and not since. */
  readonly before: number
  readonly never: number
}

/** Counts by the filters of the list, which the server has an index for. Every renewal lies before tomorrow. */
export async function countFleet(app: string, since: number, signal: AbortSignal): Promise<Fleet> {
  const { licenses } = licensing.withOptions({ signal })
  const count = async (query: { readonly seenBefore?: number }): Promise<number> =>
    (await licenses.list(app, { ...query, status: 'active', perPage: 1 })).total ?? 0
  const [all, before, seen] = await Promise.all([
    count({}),
    count({ seenBefore: since }),
    count({ seenBefore: now() + 86_400 }),
  ])
  return { all, before, never: Math.max(0, all - seen) }
}

export const fleetName = (app: string): string => `${names.licenses(app)} fleet`

const noFleet: Fleet = { all: 0, before: 0, never: 0 }

/** The fleet since a rotation. Only a secret key sees when a license was last seen. */
export function useFleet(app: string, since: number): Asked<Fleet> {
  return useKnown(`${fleetName(app)} ${since}`, (signal) =>
    since > 0 && isSecretKey() && may('licenses:read')
      ? countFleet(app, since, signal)
      : Promise.resolve(noFleet),
  )
}

/** The active licenses and their signs of life, as a dry run of the server tells them. */
export interface Forecast {
  readonly all: number
  readonly impact: RotationImpact
}

async function foresee(app: string, signal: AbortSignal): Promise<Forecast> {
  const rotation = await licensing.withOptions({ signal }).rotateKeys(app, { dryRun: true })
  const { licensesResigned: all, impact } = rotation
  if (impact === undefined) throw new Error('The server gave no forecast')
  return { all, impact }
}

export const forecastName = (app: string): string => `${names.licenses(app)} forecast`

export function useForecast(app: string): Asked<Forecast> {
  return useKnown(forecastName(app), (signal) => foresee(app, signal))
}

/** The spans of days that a dry run counts. A grace period of one of them is foreseen exactly. */
export const spans = [7, 30, 90] as const

/**
 * The licenses whose programs will not have renewed by the end of the grace, if they come as often as before. Without grace, no
 * token of before renews any more.
 */
export function lateOf({ all, impact }: Forecast, graceDays: number): number {
  const seen = impact.seenWithin.find(({ days }) => days === graceDays)?.licenses ?? 0
  return all - seen
}

/** The licenses by the key that their program showed last; `null` without the right to rotate. */
export function useImpact(app: string): Asked<RotationImpact | null> {
  return useKnown(`${fleetName(app)} keys`, async (signal) =>
    may('apps:rotate') ? (await foresee(app, signal)).impact : null,
  )
}

/** The state of a key in a word, with the reason of its end. */
export function stateOf({ state, reason }: SigningKey): SigningKey['state'] | 'compromised' {
  return reason === 'compromised' ? 'compromised' : state
}

/** The first characters of a thumbprint tell keys apart. */
export function shortKid(kid: string): string {
  return `${kid.slice(0, 8)}…`
}

/** The PEM of the active key, for those who may not list the keys. */
export function publicKeyOf(keys: readonly SigningKey[] | null, { publicKeyPem }: App): string {
  return keys?.[0]?.publicKeyPem ?? publicKeyPem
}
