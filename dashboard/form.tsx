import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { Field } from './field.tsx'
import { slugOf } from './slug.ts'

interface TextFieldProps {
  readonly label: string
  readonly value: string
  readonly onValue: (value: string) => void
  readonly hint?: string
  readonly pattern?: string
  readonly rule?: string
  readonly most?: number
  readonly isOptional?: boolean
}

/** A line of text with the rule that the server has for it. */
export function TextField(props: TextFieldProps): JSX.Element {
  const { label, value, onValue, hint, pattern, rule, most = 255, isOptional = false } = props
  return (
    <Field label={label} {...(hint !== undefined && { hint })}>
      <input
        value={value}
        required={!isOptional}
        maxLength={most}
        {...(pattern !== undefined && { pattern, title: rule })}
        autocomplete="off"
        spellcheck={false}
        onInput={({ currentTarget }) => onValue(currentTarget.value)}
      />
    </Field>
  )
}

type TextOf = Pick<TextFieldProps, 'label' | 'value' | 'onValue'>

/** A description, which may stay empty. */
export function DescriptionField(props: TextOf): JSX.Element {
  return <TextField {...props} most={2_048} isOptional />
}

/** A slug, whose words have a sign between them. */
export function SlugField({
  between,
  ...props
}: TextOf & Pick<TextFieldProps, 'hint' | 'rule'> & { readonly between: '_' | '-' }): JSX.Element {
  return <TextField {...props} pattern={between === '-' ? String.raw`[a-z0-9\-]+` : '[a-z0-9_]+'} most={63} />
}

/** The name and the slug of something new, with their setters. */
export interface Naming {
  readonly name: string
  readonly setName: (name: string) => void
  readonly slug: string
  readonly setSlug: (slug: string) => void
}

/** A name and a slug that follows it until somebody writes another one. */
export function useNaming(between: '_' | '-'): Naming {
  const [name, setName] = useState('')
  const [own, setSlug] = useState<string | null>(null)
  return { name, setName, slug: own ?? slugOf(name, between), setSlug }
}

interface Choice {
  readonly slug: string
  readonly name: string
}

/** Several of a list, each with a box to tick. */
export function Choices({
  label,
  all,
  chosen,
  onChosen,
}: {
  readonly label: string
  readonly all: readonly Choice[]
  readonly chosen: readonly string[]
  readonly onChosen: (slugs: readonly string[]) => void
}): JSX.Element | null {
  if (all.length === 0) return null
  return (
    <fieldset class="boxes">
      <legend>{label}</legend>
      {all.map(({ slug, name }) => (
        <label key={slug}>
          <input
            type="checkbox"
            checked={chosen.includes(slug)}
            onChange={({ currentTarget: { checked } }) =>
              onChosen(checked ? [...chosen, slug] : chosen.filter((one) => one !== slug))
            }
          />{' '}
          {name}
        </label>
      ))}
    </fieldset>
  )
}
