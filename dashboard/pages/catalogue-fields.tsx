import type { JSX } from 'preact'
import { DescriptionField, SlugField, TextField, type Naming } from '../form.tsx'
import { tiersWords as text } from '../tiers-words.ts'

/** The name and the slug of a new tier or feature. */
export function NewNames({ name, setName, slug, setSlug }: Naming): JSX.Element {
  return (
    <>
      <TextField label={text.name} value={name} onValue={setName} />
      <SlugField
        label={text.slug}
        value={slug}
        onValue={setSlug}
        hint={text.slugHint}
        rule={text.slugRule}
        between="_"
      />
    </>
  )
}

interface Names {
  readonly name: string
  readonly setName: (name: string) => void
  readonly description: string
  readonly setDescription: (description: string) => void
}

/** The name and the description of something that has a slug. */
export function OwnNames({ name, setName, description, setDescription }: Names): JSX.Element {
  return (
    <>
      <TextField label={text.name} value={name} onValue={setName} />
      <DescriptionField label={text.description} value={description} onValue={setDescription} />
    </>
  )
}
