import { signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { messageOf } from './api.ts'
import type { Outcome } from './find.ts'
import { go, to } from './router.ts'

const nothing: Outcome = { failure: '', hits: [] }
const outcome: Signal<Outcome> = signal(nothing)
const busy: Signal<boolean> = signal(false)

/** The end of the last search, for the start page. */
export const searchOutcome: ReadonlySignal<Outcome> = outcome
export const isSearching: ReadonlySignal<boolean> = busy

/** Goes to what was pasted, otherwise to the start page, which shows the hits or says that there are none. */
export async function search(text: string): Promise<void> {
  busy.value = true
  try {
    const { find } = await import('./desk.ts')
    outcome.value = await find(text)
  } catch (error) {
    outcome.value = { ...nothing, failure: messageOf(error) }
  }
  busy.value = false
  const { failure, hits } = outcome.value
  if (failure !== '' || hits.length > 0) go(to([]))
}
