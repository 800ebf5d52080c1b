import type { JSX } from 'preact'
import { TextField, type Naming } from '../form.tsx'
import { tiersWords as text } from '../tiers-words.ts'

/** The name and the slug of a new tier or feature. */
export function NewNames({ name, setName, slug, setSlug }: Naming): JSX.Element {
  return (
    <>
      <TextField label={text.name} value={name} onValue={setName} />
      <TextField
        label={text.slug}
        value={slug}
        onValue={setSlug}
        hint={text.slugHint}
        pattern="[a-z0-9_]+"
        rule={text.slugRule}
        most={63}
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
      <TextField
        label={text.description}
        value={description}
        onValue={setDescription}
        most={2_048}
        isOptional
      />
    </>
  )
}
