import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { messageOf } from './api.ts'
import { words } from './words.ts'

interface DialogProps {
  readonly title: string
  readonly lead: string
  /** The button that does it. It says what will be. */
  readonly action: string
  readonly isDanger?: boolean
  readonly onAct: () => Promise<unknown>
  readonly onClose: () => void
  readonly children?: ComponentChildren
}

/** Asks for what an act needs, and stays open with the server's words if it fails. */
export function Dialog({
  title,
  lead,
  action,
  isDanger = false,
  onAct,
  onClose,
  children,
}: DialogProps): JSX.Element {
  const box = useRef<HTMLDialogElement>(null)
  const [failure, setFailure] = useState('')
  const [isBusy, setBusy] = useState(false)
  const name = useId()
  useEffect(() => box.current?.showModal(), [])
  const act = async (event: Event): Promise<void> => {
    event.preventDefault()
    setBusy(true)
    try {
      await onAct()
      // The closing gives the focus back. A dialog that is closed by now must not close the next one.
      box.current?.close()
    } catch (error) {
      setFailure(messageOf(error))
      setBusy(false)
    }
  }
  return (
    <dialog ref={box} class="dialog" aria-labelledby={name} onClose={onClose}>
      <form onSubmit={(event) => void act(event)}>
        <h2 id={name}>{title}</h2>
        <p class="sub small">{lead}</p>
        {children}
        <p class="failure" role="alert">
          {failure}
        </p>
        <div class="actions">
          <button type="submit" class={isDanger ? 'primary bad' : 'primary'} disabled={isBusy}>
            {action}
          </button>
          <button type="button" onClick={() => box.current?.close()}>
            {words.acts.cancel}
          </button>
        </div>
      </form>
    </dialog>
  )
}
