import { signal, type ReadonlySignal, type Signal } from '@preact/signals'

export type Theme = 'system' | 'light' | 'dark'

const name = 'heartwood-theme'

function stored(): Theme {
  const text = localStorage.getItem(name)
  return text === 'light' || text === 'dark' ? text : 'system'
}

const chosen: Signal<Theme> = signal(stored())

export const theme: ReadonlySignal<Theme> = chosen

/** Shows the page in the chosen colours. */
export function applyTheme(): void {
  const { dataset } = document.documentElement
  if (theme.value === 'system') delete dataset['theme']
  else dataset['theme'] = theme.value
}

export function setTheme(next: Theme): void {
  chosen.value = next
  localStorage.setItem(name, next)
  applyTheme()
}
