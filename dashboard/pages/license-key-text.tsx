import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { licensing } from '../api.ts'
import { may } from '../session.ts'
import { masked, Secret } from '../secret.tsx'
import { complain } from '../toasts.tsx'
import { keyWords as text } from '../key-words.ts'

/** The one text that the page has for now. */
const kept = signal<{ readonly id: string; readonly key: string } | null>(null)

/** Shows a text that the server has just told. */
export function keepText(id: string, key: string): void {
  kept.value = { id, key }
}

/** The text of a license key, fetched at a click and forgotten after a minute. */
export function KeyText({ app, id }: { readonly app: string; readonly id: string }): JSX.Element | null {
  const { value } = kept
  useEffect(() => () => void (kept.value = null), [])
  if (value?.id === id)
    return <Secret label={text.itsText} secret={masked(value.key)} onGone={() => (kept.value = null)} />
  if (!may('license_keys:reveal')) return null
  const fetchText = async (): Promise<void> => {
    try {
      const { key } = await licensing.licenseKeys.get(app, id, { include: 'key' })
      keepText(id, key)
    } catch (error) {
      complain(error)
    }
  }
  return (
    <p class="reveal">
      <button type="button" onClick={() => void fetchText()}>
        {text.reveal}
      </button>
      <small class="quiet">{text.revealHint}</small>
    </p>
  )
}
