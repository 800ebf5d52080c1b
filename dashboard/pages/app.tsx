import type { ComponentChildren, JSX } from 'preact'
import type { Tier } from '../../src/core/index.ts'
import { licensing } from '../api.ts'
import { AsCode } from '../as-code.tsx'
import { useKnown } from '../data.ts'
import { names, useApp, useTiers } from '../known.ts'
import { to } from '../router.ts'
import { may } from '../session.ts'
import { Shown, Title } from '../states.tsx'
import { pageWords } from '../page-words.ts'
import { words } from '../words.ts'

interface Numbers {
  readonly active: number
  readonly expired: number
  readonly revoked: number
}

/** Each count is the total of a page, which the server has by an index. */
async function numbersOf(app: string, signal: AbortSignal): Promise<Numbers> {
  const { licenses } = licensing.withOptions({ signal })
  const count = async (status: keyof Numbers): Promise<number> =>
    (await licenses.list(app, { status, perPage: 1 })).total ?? 0
  const [active, expired, revoked] = await Promise.all([count('active'), count('expired'), count('revoked')])
  return { active, expired, revoked }
}

function Count({ app, status, count }: { app: string; status: keyof Numbers; count: number }): JSX.Element {
  return <a href={to(['apps', app, 'licenses'], { status })}>{words.count(count)}</a>
}

/** One true sentence, whose numbers are links. */
function Sentence({ app, numbers }: { readonly app: string; readonly numbers: Numbers }): JSX.Element {
  const { active, expired, revoked } = numbers
  if (active + expired + revoked === 0) return <p class="sentence">{pageWords.app.none}</p>
  const part = (status: keyof Numbers, text: string): ComponentChildren => (
    <>
      <Count app={app} status={status} count={numbers[status]} /> {text}
    </>
  )
  return (
    <p class="sentence">
      {part('active', pageWords.app.good(active))}. {part('expired', pageWords.app.ended(expired))},{' '}
      {part('revoked', pageWords.app.revoked(revoked))}.
    </p>
  )
}

function TierRow({ app, tier }: { readonly app: string; readonly tier: Tier }): JSX.Element {
  const { name, slug, features } = tier
  return (
    <li>
      <a href={to(['apps', app, 'licenses'], { tier: slug })}>
        <strong>{name}</strong>
      </a>
      <span class="chips">
        {features.map((feature) => (
          <span key={feature} class="chip">
            {feature}
          </span>
        ))}
      </span>
      <span class="quiet">{pageWords.app.tierFeatures(features.length)}</span>
    </li>
  )
}

export function AppPage({ app = '' }: { readonly app?: string }): JSX.Element {
  const known = useApp(app)
  const tiers = useTiers(app)
  const maySeeLicenses = may('licenses:read')
  const name = `${names.licenses(app)} numbers`
  const numbers = useKnown<Numbers | null>(name, (signal) =>
    maySeeLicenses ? numbersOf(app, signal) : Promise.resolve(null),
  )
  return (
    <Shown known={known.value} name={names.app(app)}>
      {({ name: title, slug, mode }) => (
        <article>
          <header class="lead">
            <p class="eyebrow">
              <code>{slug}</code>
            </p>
            <Title>{title}</Title>
            {mode === 'test' && <p class="sub small">{pageWords.app.testMode}</p>}
            <p class="small">
              <a href={to(['apps', app, 'settings'])}>{pageWords.app.settings}</a>
            </p>
          </header>
          {maySeeLicenses && (
            <Shown known={numbers.value} name={name}>
              {(value) => value !== null && <Sentence app={app} numbers={value} />}
            </Shown>
          )}
          <section aria-labelledby="tiers">
            <h2 id="tiers">{pageWords.app.tiers}</h2>
            <Shown known={tiers.value} name={names.tiers(app)}>
              {(list) =>
                list.length === 0 ? (
                  <p class="sub small">{pageWords.app.noTiers}</p>
                ) : (
                  <ul class="tiers">
                    {list.map((tier) => (
                      <TierRow key={tier.id} app={app} tier={tier} />
                    ))}
                  </ul>
                )
              }
            </Shown>
          </section>
          <AsCode
            code={{
              call: `GET /apps/${slug}`,
              typescript: `await licensing.apps.get('${slug}')`,
              cli: `apps get ${slug}`,
            }}
          />
        </article>
      )}
    </Shown>
  )
}
