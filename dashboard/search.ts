import { signal, type ReadonlySignal } from '@preact/signals'
import { messageOf } from './api.ts'
import { go, to } from './router.ts'

const failure = signal('')
const busy = signal(false)

/** The words for a search that led nowhere. */
export const searchFailure: ReadonlySignal<string> = failure
export const isSearching: ReadonlySignal<boolean> = busy

/** Goes to the place of what was pasted, otherwise to the start page, which says why. */
export async function search(text: string): Promise<void> {
  busy.value = true
  try {
    const { find } = await import('./find.ts')
    failure.value = await find(text)
  } catch (error) {
    failure.value = messageOf(error)
  }
  busy.value = false
  if (failure.value !== '') go(to([]))
}
