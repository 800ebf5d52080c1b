import type { JSX } from 'preact'
import { Field } from './field.tsx'
import { words } from './words.ts'

/** Asks for a text to be typed, before an act that nothing undoes. The browser holds the form back until it is right. */
export function Typed({ text }: { readonly text: string }): JSX.Element {
  const check = (field: HTMLInputElement | null): void =>
    field?.setCustomValidity(field.value.trim() === text.trim() ? '' : words.typed.wrong(text))
  return (
    <Field label={words.typed.ask(text)}>
      <input
        ref={check}
        required
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        onInput={(event) => check(event.currentTarget)}
      />
    </Field>
  )
}
