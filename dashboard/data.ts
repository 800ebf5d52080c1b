import { signal, type ReadonlySignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { codeOf } from './api.ts'

/** The knowledge of one thing on the server. A failed call keeps the old value, with its time. */
export interface Known<T> {
  readonly value: T | undefined
  readonly at: number
  readonly error: Error | null
  readonly loading: boolean
}

interface Entry {
  readonly known: ReturnType<typeof signal<Known<unknown>>>
  load: (signal: AbortSignal) => Promise<unknown>
  users: number
  /** True from a write on, until it was asked for again. */
  isOld: boolean
  flight: AbortController | null
}

const entries = new Map<string, Entry>()
const fresh = 5_000

/** Answers, not failures: whoever gets one may no longer see what was known. */
const refusals: readonly (string | undefined)[] = ['forbidden', 'not_found']

async function refresh(entry: Entry): Promise<void> {
  entry.flight?.abort()
  const flight = (entry.flight = new AbortController())
  const before = entry.known.value as Known<unknown>
  entry.known.value = { ...before, loading: true }
  try {
    const value = await entry.load(flight.signal)
    if (entry.flight !== flight) return
    entry.isOld = false
    entry.known.value = { value, at: Date.now(), error: null, loading: false }
  } catch (error) {
    const kept = refusals.includes(codeOf(error)) ? { value: undefined, at: 0 } : before
    if (entry.flight === flight) entry.known.value = { ...kept, error: error as Error, loading: false }
  } finally {
    if (entry.flight === flight) entry.flight = null
  }
}

/** Ends a call that nobody waits for any more. It is no failure. */
function giveUp(entry: Entry): void {
  const { flight } = entry
  entry.flight = null
  flight?.abort()
}

function entryOf(key: string, load: Entry['load']): Entry {
  let entry = entries.get(key)
  if (entry === undefined) {
    entry = {
      known: signal<Known<unknown>>({ value: undefined, at: 0, error: null, loading: false }),
      load,
      users: 0,
      isOld: false,
      flight: null,
    }
    entries.set(key, entry)
  }
  entry.load = load
  return entry
}

/** Calls once for all who ask under this key, shows what was known meanwhile, asks again when it is old. */
export function useKnown<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
): ReadonlySignal<Known<T>> {
  const entry = useMemo(() => entryOf(key, load), [key])
  useEffect(() => {
    entry.users++
    const known = entry.known.value as Known<unknown>
    const isOld = entry.isOld || Date.now() - known.at > fresh
    if (entry.flight === null && isOld) void refresh(entry)
    return () => {
      if (--entry.users === 0) giveUp(entry)
    }
  }, [entry])
  return entry.known as ReadonlySignal<Known<T>>
}

/** Makes knowledge old after a write: it is asked for again where it is shown, and forgotten elsewhere. */
export function forget(prefix: string): void {
  for (const [key, entry] of entries) {
    if (!key.startsWith(prefix)) continue
    entry.isOld = true
    if (entry.users > 0) void refresh(entry)
    else entries.delete(key)
  }
}

/** Asks again for what is shown. A server that still owes an answer is left alone, because each abort would begin its work anew. */
export function askAgain(prefix: string): void {
  for (const [key, entry] of entries)
    if (key.startsWith(prefix) && entry.users > 0 && entry.flight === null) void refresh(entry)
}

/** Forgets everything, because another person may sign in. */
export function forgetAll(): void {
  entries.clear()
}

addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'visible') return
  for (const entry of entries.values())
    if (
      entry.users > 0 &&
      entry.flight === null &&
      Date.now() - (entry.known.value as Known<unknown>).at > fresh
    )
      void refresh(entry)
})
