import { signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { messageOf } from './api.ts'
import type { Outcome } from './find.ts'
import { go, here, to } from './router.ts'

const nothing: Outcome = { failure: '', hits: [] }
const outcome: Signal<Outcome> = signal(nothing)
const busy: Signal<boolean> = signal(false)

/** The end of the last search, for the start page. */
export const searchOutcome: ReadonlySignal<Outcome> = outcome
export const isSearching: ReadonlySignal<boolean> = busy

let last = 0

/** Forgets what was found, because another person may sign in. */
export function forgetSearch(): void {
  last++
  outcome.value = nothing
  busy.value = false
}

/** Goes to what was pasted, otherwise to the start page, which shows the hits or says that there are none. */
export async function search(text: string): Promise<void> {
  const mine = ++last
  const from = here.value
  busy.value = true
  let found: Outcome
  try {
    const { find } = await import('./desk.ts')
    found = await find(text)
  } catch (error) {
    found = { ...nothing, failure: messageOf(error) }
  }
  // An answer may come after that of a later question.
  if (mine !== last) return
  outcome.value = found
  busy.value = false
  // Whoever has gone on meanwhile is not called back.
  if (here.value !== from) return
  const { failure, hits, open } = found
  if (open !== undefined) open()
  else if (failure !== '' || hits.length > 0) go(to([]))
}
