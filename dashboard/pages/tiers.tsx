import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Feature, Tier } from '../../src/core/index.ts'
import { adopt } from '../adopt.ts'
import { AsCode } from '../as-code.tsx'
import { featuresName, useActive, useFeatures, type Active } from '../catalogue.ts'
import { Icon } from '../icons.tsx'
import { names, useTiers } from '../known.ts'
import { Lack } from '../lack.tsx'
import { to } from '../router.ts'
import { may } from '../session.ts'
import { Shown, Title } from '../states.tsx'
import css from '../style/manage.css' with { type: 'text' }
import { tiersWords as text } from '../tiers-words.ts'
import { complain } from '../toasts.tsx'
import { words } from '../words.ts'
import { Behind } from './behind.tsx'
import {
  ChangeFeatureDialog,
  DeleteFeatureDialog,
  giveAndSay,
  NewFeatureDialog,
  TakeFeatureDialog,
} from './feature-dialogs.tsx'
import { ChangeTierDialog, DeleteTierDialog, NewTierDialog } from './tier-dialogs.tsx'

adopt(css)

interface Catalogue {
  readonly app: string
  readonly tiers: readonly Tier[]
  readonly features: readonly Feature[]
  readonly active: Active | undefined
}

/** The dialog that is open. */
type Open =
  | { readonly act: 'newTier' | 'newFeature' }
  | { readonly act: 'changeTier' | 'deleteTier'; readonly tier: Tier }
  | { readonly act: 'changeFeature' | 'deleteFeature'; readonly feature: Feature }
  | { readonly act: 'take'; readonly tier: Tier; readonly feature: Feature }

type OnOpen = (open: Open) => void

function Opened({
  open,
  onClose,
  ...catalogue
}: Catalogue & { open: Open; onClose: () => void }): JSX.Element {
  const { app, tiers, features, active } = catalogue
  const countOf = ({ id }: Tier): number => active?.of.get(id) ?? 0
  const having = ({ slug }: Feature): number =>
    tiers.filter((tier) => tier.features.includes(slug)).reduce((sum, tier) => sum + countOf(tier), 0)
  const given = { app, onClose }
  switch (open.act) {
    case 'newTier':
      return <NewTierDialog {...given} features={features} />
    case 'newFeature':
      return <NewFeatureDialog {...given} tiers={tiers} />
    case 'changeTier':
      return <ChangeTierDialog {...given} tier={open.tier} active={countOf(open.tier)} />
    case 'deleteTier':
      return <DeleteTierDialog {...given} tier={open.tier} />
    case 'changeFeature':
      return <ChangeFeatureDialog {...given} feature={open.feature} />
    case 'deleteFeature':
      return (
        <DeleteFeatureDialog {...given} feature={open.feature} tiers={tiers} active={having(open.feature)} />
      )
    case 'take':
      return (
        <TakeFeatureDialog {...given} tier={open.tier} feature={open.feature} active={countOf(open.tier)} />
      )
  }
}

interface CellProps {
  readonly app: string
  readonly tier: Tier
  readonly feature: Feature
  readonly onOpen: OnOpen
}

/** A box that gives a feature to a tier. To take it away again asks first, because programs lose it. */
function Cell({ app, tier, feature, onOpen }: CellProps): JSX.Element {
  const has = tier.features.includes(feature.slug)
  if (!may('catalogue:write'))
    return has ? (
      <>
        <Icon name="check" /> <span class="unseen">{text.yes}</span>
      </>
    ) : (
      <>
        <span aria-hidden="true">·</span> <span class="unseen">{text.no}</span>
      </>
    )
  const change = (box: HTMLInputElement): void => {
    box.checked = has
    if (has) onOpen({ act: 'take', tier, feature })
    else giveAndSay(app, tier, feature).catch(complain)
  }
  return (
    <label class="cell">
      <span class="unseen">{text.has(tier.name, feature.name)}</span>
      <input type="checkbox" checked={has} onChange={({ currentTarget }) => change(currentTarget)} />
    </label>
  )
}

/** Two acts on a row or a column. */
function Acts({
  name,
  onChange,
  onDelete,
}: {
  name: string
  onChange: () => void
  onDelete: () => void
}): JSX.Element {
  return (
    <span class="row-acts">
      {may('catalogue:write') && (
        <button type="button" class="link" aria-label={text.renameOf(name)} onClick={onChange}>
          {text.rename}
        </button>
      )}
      {may('catalogue:write') && may('delete') && (
        <button type="button" class="link" aria-label={text.removeOf(name)} onClick={onDelete}>
          {text.remove}
        </button>
      )}
    </span>
  )
}

function TierHead({ tier, onOpen }: { readonly tier: Tier; readonly onOpen: OnOpen }): JSX.Element {
  const { name, slug, limits } = tier
  return (
    <th scope="col">
      <strong>{name}</strong>
      <code>{slug}</code>
      {Object.entries(limits).map(([limit, count]) => (
        <span key={limit} class="quiet">
          {limit} {words.count(count)}
        </span>
      ))}
      <Acts
        name={name}
        onChange={() => onOpen({ act: 'changeTier', tier })}
        onDelete={() => onOpen({ act: 'deleteTier', tier })}
      />
    </th>
  )
}

function Matrix({
  app,
  tiers,
  features,
  onOpen,
}: Omit<Catalogue, 'active'> & { readonly onOpen: OnOpen }): JSX.Element {
  const mayWrite = may('catalogue:write')
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={text.matrix}>
      <table class="list matrix">
        <thead>
          <tr>
            <th scope="col">{text.feature}</th>
            {tiers.map((tier) => (
              <TierHead key={tier.id} tier={tier} onOpen={onOpen} />
            ))}
            {mayWrite && (
              <th scope="col">
                <span class="unseen">{text.acts}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {features.map((feature) => (
            <tr key={feature.id}>
              <th scope="row">
                <strong>{feature.name}</strong>
                {feature.slug !== feature.name && <code>{feature.slug}</code>}
              </th>
              {tiers.map((tier) => (
                <td key={tier.id}>
                  <Cell app={app} tier={tier} feature={feature} onOpen={onOpen} />
                </td>
              ))}
              {mayWrite && (
                <td>
                  <Acts
                    name={feature.name}
                    onChange={() => onOpen({ act: 'changeFeature', feature })}
                    onDelete={() => onOpen({ act: 'deleteFeature', feature })}
                  />
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** One true sentence, whose numbers are links. */
function Sentence({
  app,
  tiers,
  active,
}: Pick<Catalogue, 'app' | 'tiers'> & { readonly active: Active }): JSX.Element {
  if (active.all === 0) return <p class="sentence">{text.noneGood}</p>
  const link = (count: number, query: Record<string, string>): JSX.Element => (
    <a href={to(['apps', app, 'licenses'], { status: 'active', ...query })}>{words.count(count)}</a>
  )
  return (
    <p class="sentence">
      {link(active.all, {})} {text.good(active.all)}
      {tiers.map(({ id, slug, name }, at) => (
        <span key={id}>
          {at === 0 ? ': ' : ', '}
          {link(active.of.get(id) ?? 0, { tier: slug })} {name}
        </span>
      ))}
      .
    </p>
  )
}

function Empty({ app }: { readonly app: string }): JSX.Element {
  const body = { name: 'Pro', slug: 'pro', features: ['export', 'sync'] }
  return (
    <>
      <p class="sub small">{text.none}</p>
      <AsCode
        isOpen
        code={{
          call: `POST /apps/${app}/tiers`,
          body,
          typescript: `await licensing.tiers.create('${app}', { name: 'Pro', slug: 'pro', features: ['export', 'sync'] })`,
          cli: `tiers create pro --app ${app} --name Pro --features export,sync`,
        }}
      />
    </>
  )
}

function Whole({ app, tiers, features }: Omit<Catalogue, 'active'>): JSX.Element {
  const [open, setOpen] = useState<Open | null>(null)
  const maySeeLicenses = may('licenses:read')
  const active = useActive(app, maySeeLicenses ? tiers : null).value.value ?? undefined
  const catalogue = { app, tiers, features, active }
  const isEmpty = tiers.length + features.length === 0
  return (
    <article class="manage">
      <header class="lead">
        <Title>{text.title}</Title>
      </header>
      {active !== undefined && tiers.length > 0 && <Sentence app={app} tiers={tiers} active={active} />}
      {isEmpty ? (
        <Empty app={app} />
      ) : (
        <Matrix app={app} tiers={tiers} features={features} onOpen={setOpen} />
      )}
      {may('catalogue:write') ? (
        <>
          {!isEmpty && <p class="note">{text.lead}</p>}
          <div class="actions">
            <button
              type="button"
              class={isEmpty ? 'primary' : ''}
              onClick={() => setOpen({ act: 'newTier' })}
            >
              {text.newTier}
            </button>
            <button type="button" onClick={() => setOpen({ act: 'newFeature' })}>
              {text.newFeature}
            </button>
          </div>
          {!may('delete') && <Lack>{text.noDelete}</Lack>}
        </>
      ) : (
        <Lack>{text.readOnly}</Lack>
      )}
      {active !== undefined && !isEmpty && (
        <Behind app={app} tiers={tiers} active={active.of} all={active.all} />
      )}
      {open !== null && <Opened {...catalogue} open={open} onClose={() => setOpen(null)} />}
      {!isEmpty && (
        <AsCode
          code={{
            call: `GET /apps/${app}/tiers`,
            typescript: `await licensing.tiers.list('${app}')`,
            cli: `tiers list --app ${app}`,
          }}
        />
      )}
    </article>
  )
}

export function TiersPage({ app = '' }: { readonly app?: string }): JSX.Element {
  const tiers = useTiers(app)
  const features = useFeatures(app)
  return (
    <Shown known={tiers.value} name={names.tiers(app)}>
      {(list) => (
        <Shown known={features.value} name={featuresName(app)}>
          {(all) => <Whole app={app} tiers={list} features={all} />}
        </Shown>
      )}
    </Shown>
  )
}
