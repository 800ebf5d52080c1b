import { batch, effect, signal, type ReadonlySignal } from '@preact/signals'
import { go, here, to } from './router.ts'
import { session } from './session.ts'

/** The text that somebody asks about. It is a secret of a customer, so it stays in this variable alone. */
export interface Question {
  readonly text: string
  /** Tells one question from the next. */
  readonly number: number
  /** The license to which the text leads, once the server has said so. */
  readonly leadsTo: string | null
}

const asked = signal<Question | null>(null)
let last = 0

export const question: ReadonlySignal<Question | null> = asked

/** Opens the page that says why it is refused. */
export function askWhy(text: string): void {
  batch(() => {
    asked.value = { text, number: ++last, leadsTo: null }
    go(to(['why']))
  })
}

/** Puts the license into the address, so that a colleague who gets the address sees the license, and no token. */
export function leadTo(license: string): void {
  const { value } = asked
  // The page may have been left meanwhile.
  if (value === null || value.leadsTo === license) return
  batch(() => {
    asked.value = { ...value, leadsTo: license }
    go(to(['why', license]), true)
  })
}

// Whoever leaves the page, asks about another license or signs out, leaves no token behind.
effect(() => {
  const [page, about = asked.peek()?.leadsTo] = here.value.path
  const isOpen = page === 'why' && session.value.state === 'in'
  if (!isOpen || about !== asked.peek()?.leadsTo) asked.value = null
})

/** The text for people: no token and no license key can be read off the screen. */
export function masked(text: string): string {
  const plain = text
    .replace(/\s+/g, /^\W*eyJ/.test(text) ? '' : ' ')
    .replace(/(?:[0-9A-Z]{5}[\s-]+){4}([0-9A-Z]{5})/gi, (_, end: string) => `…${end.slice(-4)}`)
    .replace(/eyJ[\w.-]{20,}/g, (token) => `${token.slice(0, 18)}…${token.slice(-6)}`)
    .trim()
  return plain.length > 60 ? `${plain.slice(0, 40)}…${plain.slice(-6)}` : plain
}
