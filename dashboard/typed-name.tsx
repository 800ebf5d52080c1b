import type { JSX } from 'preact'
import { Field } from './field.tsx'

/** Asks for a name to be typed, before an act that nothing undoes. The browser holds the form back until it is right. */
export function TypedName({
  name,
  label,
  wrong,
}: {
  name: string
  label: string
  wrong: string
}): JSX.Element {
  const check = (field: HTMLInputElement | null): void =>
    field?.setCustomValidity(field.value.trim() === name.trim() ? '' : wrong)
  return (
    <Field label={label}>
      <input
        ref={check}
        required
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => check(event.currentTarget)}
      />
    </Field>
  )
}
