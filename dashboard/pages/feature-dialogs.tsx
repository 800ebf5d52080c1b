import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Feature, Tier } from '../../src/core/index.ts'
import { licensing } from '../api.ts'
import { catalogueChanged } from '../catalogue.ts'
import { Dialog } from '../dialog.tsx'
import { Choices, useNaming } from '../form.tsx'
import { tiersWords as text } from '../tiers-words.ts'
import { say } from '../toasts.tsx'
import { Typed } from '../typed.tsx'
import { NewNames, OwnNames } from './catalogue-fields.tsx'
import type { InApp } from './tier-dialogs.tsx'

/** Gives a feature to a tier. */
export async function give(
  app: string,
  tier: Tier,
  { name, slug }: Pick<Feature, 'name' | 'slug'>,
): Promise<void> {
  await licensing.tiers.addFeature(app, tier.id, { name, slug })
  catalogueChanged(app)
}

async function take(app: string, tier: Tier, feature: Feature): Promise<void> {
  await licensing.tiers.removeFeature(app, tier.id, feature.id)
  catalogueChanged(app)
}

/** Gives it, and offers to take it back. Nobody loses anything by that, so it asks nothing. */
export async function giveAndSay(app: string, tier: Tier, feature: Feature): Promise<void> {
  await give(app, tier, feature)
  say(text.added(tier.name, feature.name), () => take(app, tier, feature))
}

export function NewFeatureDialog({
  app,
  tiers,
  onClose,
}: InApp & { readonly tiers: readonly Tier[] }): JSX.Element {
  const naming = useNaming('_')
  const { name, slug } = naming
  const [chosen, setChosen] = useState<readonly string[]>([])
  const act = async (): Promise<void> => {
    await licensing.features.create(app, { name, slug })
    for (const tier of tiers.filter((one) => chosen.includes(one.slug))) await give(app, tier, { name, slug })
    catalogueChanged(app)
    say(text.created(name))
  }
  return (
    <Dialog
      title={text.newFeatureTitle}
      lead={text.newFeatureLead}
      action={text.createFeature(name)}
      onAct={act}
      onClose={onClose}
    >
      <NewNames {...naming} />
      <Choices label={text.inTiers} all={tiers} chosen={chosen} onChosen={setChosen} />
    </Dialog>
  )
}

type OfFeature = InApp & { readonly feature: Feature }

export function ChangeFeatureDialog({ app, feature, onClose }: OfFeature): JSX.Element {
  const [name, setName] = useState(feature.name)
  const [description, setDescription] = useState(feature.description ?? '')
  const update = async (changes: Pick<Feature, 'name' | 'description'>): Promise<void> => {
    await licensing.features.update(app, feature.id, changes)
    catalogueChanged(app)
  }
  const act = async (): Promise<void> => {
    await update({ name, description: description.trim() || null })
    say(text.saved(name), () => update({ name: feature.name, description: feature.description }))
  }
  return (
    <Dialog
      title={text.changeTitle(feature.name)}
      lead={text.changeFeatureLead}
      action={text.save}
      onAct={act}
      onClose={onClose}
    >
      <OwnNames name={name} setName={setName} description={description} setDescription={setDescription} />
    </Dialog>
  )
}

/** Takes a feature from a tier. Programs lose it at their next renewal, so the button says how many. */
export function TakeFeatureDialog({
  app,
  tier,
  feature,
  active,
  onClose,
}: OfFeature & { readonly tier: Tier; readonly active: number }): JSX.Element {
  const act = async (): Promise<void> => {
    await take(app, tier, feature)
    say(text.taken(tier.name, feature.name), () => give(app, tier, feature))
  }
  return (
    <Dialog
      title={text.takeTitle(tier.name, feature.name)}
      lead={text.takeLead(active, tier.name)}
      action={text.take(active)}
      isDanger={active > 0}
      onAct={act}
      onClose={onClose}
    />
  )
}

export function DeleteFeatureDialog({
  app,
  feature,
  tiers,
  active,
  onClose,
}: OfFeature & { readonly tiers: readonly Tier[]; readonly active: number }): JSX.Element {
  const act = async (): Promise<void> => {
    await licensing.features.delete(app, feature.id)
    catalogueChanged(app)
    say(text.deleted(feature.name))
  }
  const having = tiers.filter(({ features }) => features.includes(feature.slug)).map(({ name }) => name)
  return (
    <Dialog
      title={text.deleteFeatureTitle(feature.name)}
      lead={text.deleteFeatureLead(having, active)}
      action={text.deleteFeature(active)}
      isDanger
      onAct={act}
      onClose={onClose}
    >
      <Typed text={feature.slug} />
    </Dialog>
  )
}
