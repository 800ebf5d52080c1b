import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Feature, Tier } from '../../src/core/index.ts'
import { licensing } from '../api.ts'
import { catalogueChanged, countActive } from '../catalogue.ts'
import { useKnown } from '../data.ts'
import { Dialog } from '../dialog.tsx'
import { Choices, TextField, useNaming } from '../form.tsx'
import { names } from '../known.ts'
import { may } from '../session.ts'
import { tiersWords as text } from '../tiers-words.ts'
import { say } from '../toasts.tsx'
import { Typed } from '../typed.tsx'
import { NewNames, OwnNames } from './catalogue-fields.tsx'

export interface InApp {
  readonly app: string
  readonly onClose: () => void
}

type Limits = Tier['limits']

function textOf(limits: Limits): string {
  return Object.entries(limits)
    .map(([name, count]) => `${name}=${count}`)
    .join(', ')
}

/** The limits of a text in the form of the command line: `projects=5, users=10`. */
export function readLimits(given: string): Limits {
  const pairs = given.split(',').filter((pair) => pair.trim() !== '')
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = '', count = ''] = pair.split('=')
      return [name.trim(), Number(count.trim())]
    }),
  )
}

function LimitsField({ value, onValue }: { value: string; onValue: (value: string) => void }): JSX.Element {
  const pair = String.raw`\s*[a-z0-9_]{1,63}\s*=\s*\d{1,15}\s*`
  return (
    <TextField
      label={text.limits}
      value={value}
      onValue={onValue}
      hint={text.limitsHint}
      pattern={`${pair}(,${pair})*`}
      rule={text.limitsRule}
      most={2_000}
      isOptional
    />
  )
}

export function NewTierDialog({
  app,
  features,
  onClose,
}: InApp & { readonly features: readonly Feature[] }): JSX.Element {
  const naming = useNaming('_')
  const { name, slug } = naming
  const [chosen, setChosen] = useState<readonly string[]>([])
  const [limits, setLimits] = useState('')
  const act = async (): Promise<void> => {
    await licensing.tiers.create(app, { name, slug, features: chosen, limits: readLimits(limits) })
    catalogueChanged(app)
    say(text.created(name))
  }
  return (
    <Dialog
      title={text.newTierTitle}
      lead={text.newTierLead}
      action={text.createTier(name)}
      onAct={act}
      onClose={onClose}
    >
      <NewNames {...naming} />
      <Choices label={text.withFeatures} all={features} chosen={chosen} onChosen={setChosen} />
      <LimitsField value={limits} onValue={setLimits} />
    </Dialog>
  )
}

type OfTier = InApp & { readonly tier: Tier; readonly active: number }

export function ChangeTierDialog({ app, tier, active, onClose }: OfTier): JSX.Element {
  const [name, setName] = useState(tier.name)
  const [description, setDescription] = useState(tier.description ?? '')
  const [limits, setLimits] = useState(textOf(tier.limits))
  const update = async (changes: Pick<Tier, 'name' | 'description' | 'limits'>): Promise<void> => {
    await licensing.tiers.update(app, tier.id, changes)
    catalogueChanged(app)
  }
  const act = async (): Promise<void> => {
    await update({ name, description: description.trim() || null, limits: readLimits(limits) })
    const { name: before, description: text_, limits: had } = tier
    say(text.saved(name), () => update({ name: before, description: text_, limits: had }))
  }
  return (
    <Dialog
      title={text.changeTitle(tier.name)}
      lead={text.changeTierLead(active)}
      action={text.save}
      onAct={act}
      onClose={onClose}
    >
      <OwnNames name={name} setName={setName} description={description} setDescription={setDescription} />
      <LimitsField value={limits} onValue={setLimits} />
    </Dialog>
  )
}

async function countKeys(app: string, tierId: string, signal: AbortSignal): Promise<number> {
  if (!may('license_keys:read')) return 0
  const { licenseKeys } = licensing.withOptions({ signal })
  return (await licenseKeys.list(app, { tierId, status: 'active', perPage: 1 })).total ?? 0
}

/** Deletes a tier, after it has told what depends on it. */
export function DeleteTierDialog({ app, tier, onClose }: Omit<OfTier, 'active'>): JSX.Element {
  const depends = useKnown(`${names.licenses(app)} of ${tier.id}`, async (signal) => {
    const [active, keys] = await Promise.all([
      countActive(app, tier.id, signal),
      countKeys(app, tier.id, signal),
    ])
    return { active, keys }
  }).value.value
  const act = async (): Promise<void> => {
    await licensing.tiers.delete(app, tier.id)
    catalogueChanged(app)
    say(text.deleted(tier.name))
  }
  return (
    <Dialog
      title={text.deleteTierTitle(tier.name)}
      lead={depends === undefined ? text.counting : text.deleteTierLead(depends.active, depends.keys)}
      action={text.deleteTier(depends?.active ?? 0)}
      isDanger
      onAct={act}
      onClose={onClose}
    >
      <Typed text={tier.slug} />
    </Dialog>
  )
}
