import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { words } from './words.ts'

interface PasteFormProps {
  readonly button: string
  readonly rows: number
  readonly isBusy?: boolean
  readonly onPaste: (text: string) => void
}

/** A field for whatever a customer sent. Enter sends it; Enter with Shift begins a line. */
export function PasteForm({ button, rows, isBusy = false, onPaste }: PasteFormProps): JSX.Element {
  const field = useRef<HTMLTextAreaElement>(null)
  const submit = (event: Event): void => {
    event.preventDefault()
    const text = field.current?.value ?? ''
    // A secret must not stay on the screen.
    if (field.current !== null) field.current.value = ''
    onPaste(text)
  }
  return (
    <form class="find-form" onSubmit={submit}>
      <textarea
        ref={field}
        rows={rows}
        aria-label={words.find.label}
        placeholder={words.find.placeholder}
        autocomplete="off"
        spellcheck={false}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) submit(event)
        }}
      />
      <button type="submit" class="primary" disabled={isBusy}>
        {button}
      </button>
    </form>
  )
}
