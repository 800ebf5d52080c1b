import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { copy } from './clipboard.ts'
import { Dialog } from './dialog.tsx'
import { Icon } from './icons.tsx'
import { keysWords } from './keys-words.ts'
import { complain, say } from './toasts.tsx'
import { words } from './words.ts'

interface CopyTextProps {
  /** The text, or a call that fetches it at the click. */
  readonly text: string | (() => Promise<string>)
  readonly label: string
  /** The label for a screen reader, if several buttons have the same. */
  readonly name?: string
  readonly isQuiet?: boolean
}

/** Copies a public text. Over plain http, the person copies it by hand. */
export function CopyText({ text, label, name, isQuiet = false }: CopyTextProps): JSX.Element {
  const [shown, setShown] = useState<string | null>(null)
  const take = async (): Promise<void> => {
    try {
      const found = typeof text === 'string' ? text : await text()
      if (await copy(found)) say(keysWords.copied)
      else setShown(found)
    } catch (error) {
      complain(error)
    }
  }
  return (
    <>
      <button
        type="button"
        class={isQuiet ? 'link' : ''}
        onClick={() => void take()}
        {...(name !== undefined && { 'aria-label': name })}
      >
        {!isQuiet && <Icon name="copy" />} {label}
      </button>
      {shown !== null && (
        <Dialog
          title={keysWords.copyByHand}
          lead={keysWords.copyHint}
          action={words.acts.close}
          onAct={async () => undefined}
          onClose={() => setShown(null)}
        >
          <textarea
            class="token"
            rows={6}
            readOnly
            aria-label={keysWords.copyByHand}
            value={shown}
            onFocus={(event) => event.currentTarget.select()}
          />
        </Dialog>
      )}
    </>
  )
}
