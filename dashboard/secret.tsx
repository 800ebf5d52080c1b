import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { adopt } from './adopt.ts'
import { copy } from './clipboard.ts'
import { Icon } from './icons.tsx'
import css from './style/keys.css' with { type: 'text' }
import { words } from './words.ts'

adopt(css)

const shownFor = 60_000

/** A secret that was fetched at a click. It is masked until somebody asks, and the page forgets it after a minute. */
export function Secret({
  label,
  value,
  onForget,
}: {
  readonly label: string
  readonly value: string
  readonly onForget: () => void
}): JSX.Element {
  const [isShown, setShown] = useState(false)
  const [isCopied, setCopied] = useState(false)
  useEffect(() => {
    const timer = setTimeout(onForget, shownFor)
    return () => clearTimeout(timer)
  }, [value])
  return (
    <div class="secret" role="group" aria-label={label}>
      <code>{isShown ? value : `••••••••${value.slice(-4)}`}</code>
      <span class="choices">
        <button type="button" aria-pressed={isShown} onClick={() => setShown(!isShown)}>
          {isShown ? words.secret.hide : words.secret.show}
        </button>
        <button
          type="button"
          onClick={() => void copy(value).then((done) => (done ? setCopied(true) : setShown(true)))}
        >
          <Icon name={isCopied ? 'check' : 'copy'} /> {isCopied ? words.code.copied : words.code.copy}
        </button>
      </span>
      <small class="quiet">{words.secret.goes}</small>
    </div>
  )
}
