import type { JSX } from 'preact'
import { Field } from './field.tsx'
import { formWords } from './form-words.ts'

/** Asks for a slug to be typed, where no act can take back what follows. The form waits for it. */
export function Typed({ slug }: { readonly slug: string }): JSX.Element {
  return (
    <Field label={formWords.confirm(slug)}>
      {/* A slug has letters, digits, hyphens and underscores, so as a pattern it means itself. */}
      <input
        required
        pattern={slug}
        title={formWords.confirmRule(slug)}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
      />
    </Field>
  )
}
