import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { messageOf } from './api.ts'
import { Icon } from './icons.tsx'
import { words } from './words.ts'

/** A message at the edge of the page, which goes by itself. */
interface Toast {
  readonly id: number
  readonly text: string
  readonly isError: boolean
  readonly undo: (() => Promise<unknown>) | null
}

const shownFor = 10_000

const toasts = signal<readonly Toast[]>([])
let last = 0

function take(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id)
}

function show(toast: Omit<Toast, 'id'>): void {
  const id = ++last
  toasts.value = [...toasts.value, { ...toast, id }].slice(-3)
  setTimeout(() => take(id), shownFor)
}

/** Says that something is done, and how to take it back. */
export function say(text: string, undo: Toast['undo'] = null): void {
  show({ text, undo, isError: false })
}

/** Says that something failed. */
export function complain(error: unknown): void {
  show({ text: messageOf(error), undo: null, isError: true })
}

/** Another person must neither see nor undo what somebody did. */
export function forgetToasts(): void {
  toasts.value = []
}

async function takeBack({ id, undo }: Toast): Promise<void> {
  take(id)
  try {
    await undo?.()
    say(words.acts.undone)
  } catch (error) {
    complain(error)
  }
}

export function Toasts(): JSX.Element {
  return (
    <div class="toasts" role="status">
      {toasts.value.map((toast) => (
        <p key={toast.id} class="toast" data-error={toast.isError}>
          <Icon name={toast.isError ? 'alert' : 'check'} />
          <span>{toast.text}</span>
          {toast.undo !== null && (
            <button type="button" class="link" onClick={() => void takeBack(toast)}>
              {words.acts.undo}
            </button>
          )}
          <button type="button" class="bare" aria-label={words.acts.close} onClick={() => take(toast.id)}>
            <Icon name="x" />
          </button>
        </p>
      ))}
    </div>
  )
}
