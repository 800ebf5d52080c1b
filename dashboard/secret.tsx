import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { adopt } from './adopt.ts'
import { copy } from './clipboard.ts'
import { Icon } from './icons.tsx'
import { say } from './toasts.tsx'
import { words } from './words.ts'
import css from './style/secret.css' with { type: 'text' }

adopt(css)

/** A minute is enough to copy it, and too short for whoever comes by later. */
const shownFor = 60_000

/** A secret for the moment in which somebody takes it. */
export interface HeldSecret {
  readonly text: string
  /** The beginning and the end that anybody may see. */
  readonly ends: readonly [start: string, end: string]
}

/** A secret of which people know the last four characters. */
export function masked(text: string): HeldSecret {
  return { text, ends: ['', text.slice(-4)] }
}

interface SecretProps {
  readonly label: string
  readonly secret: HeldSecret
  readonly hint?: string
  /** Lets go of the secret. It is called after a minute. */
  readonly onGone: () => void
}

/** The seconds until the page lets go of a secret. Its end is a time, because a browser may pause timers. */
function useCountdown(secret: HeldSecret, onGone: () => void): number {
  const [left, setLeft] = useState(shownFor / 1000)
  useEffect(() => {
    const end = Date.now() + shownFor
    const timer = setInterval(() => {
      const seconds = Math.ceil((end - Date.now()) / 1000)
      setLeft(seconds)
      if (seconds > 0) return
      clearInterval(timer)
      onGone()
      say(words.secret.gone)
    }, 1000)
    return () => clearInterval(timer)
  }, [secret])
  return left
}

/** Shows a secret masked, and lets go of it after a minute. */
export function Secret({ label, secret, hint = '', onGone }: SecretProps): JSX.Element {
  const left = useCountdown(secret, onGone)
  const box = useRef<HTMLDivElement>(null)
  // A screen reader says then that it is here.
  useEffect(() => box.current?.focus(), [])
  const [isOpen, setOpen] = useState(false)
  const [isCopied, setCopied] = useState(false)
  const { text, ends } = secret
  const take = async (): Promise<void> => {
    const isTaken = await copy(text)
    setCopied(isTaken)
    // Over plain http the person copies it by hand.
    if (!isTaken) setOpen(true)
  }
  return (
    <div ref={box} class="secret" role="group" tabIndex={-1} aria-label={label}>
      <p>
        <strong>{label}</strong>
      </p>
      <p>
        <code>{isOpen ? text : ends.join('••••••••••••')}</code>
      </p>
      <div class="choices">
        <button type="button" onClick={() => void take()}>
          <Icon name={isCopied ? 'check' : 'copy'} /> {isCopied ? words.code.copied : words.code.copy}
        </button>
        <button type="button" onClick={() => setOpen(!isOpen)}>
          {isOpen ? words.secret.hide : words.secret.show}
        </button>
      </div>
      <p class="quiet">
        {hint} {words.secret.left(left)}
      </p>
    </div>
  )
}
