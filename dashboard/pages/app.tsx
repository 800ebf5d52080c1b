import type { ComponentChildren, JSX } from 'preact'
import type { Tier } from '../../src/core/index.ts'
import { licensing } from '../api.ts'
import { AsCode } from '../as-code.tsx'
import { useKnown } from '../data.ts'
import { licenseQuery, names, useApp, useTiers, type LicensePage } from '../known.ts'
import { sumOf, useToday } from '../outcomes.ts'
import { to } from '../router.ts'
import { may, maySeeContact } from '../session.ts'
import { Shown, Title } from '../states.tsx'
import { pageWords } from '../page-words.ts'
import { words } from '../words.ts'
import { FirstSteps } from './first-steps.tsx'

const text = pageWords.app

/** The counts of an app, and the part of the list that each counts. */
const parts = {
  active: { status: 'active' },
  ends: { ends: 7 },
  unseen: { unseen: 30 },
  expired: { status: 'expired' },
  revoked: { status: 'revoked' },
} as const satisfies Readonly<Record<string, LicensePage>>

type Part = keyof typeof parts
/** `unseen` is `null` for whoever may not have it, and if there are too many licenses. */
type Numbers = Readonly<Record<Exclude<Part, 'unseen'>, number>> & { readonly unseen: number | null }

/** With more good licenses, a server would read too many to tell which of them nobody has seen. */
const mostSeen = 50_000

/** Each count is the total of a page, which the server has by an index; of those that were not seen it reads each. */
async function numbersOf(app: string, signal: AbortSignal): Promise<Numbers> {
  const { licenses } = licensing.withOptions({ signal })
  const count = async (part: Part): Promise<number> =>
    (await licenses.list(app, { ...licenseQuery(parts[part]), perPage: 1 })).total ?? 0
  const [active, ends, expired, revoked] = await Promise.all([
    count('active'),
    count('ends'),
    count('expired'),
    count('revoked'),
  ])
  const unseen = maySeeContact() && active <= mostSeen ? await count('unseen') : null
  return { active, ends, unseen, expired, revoked }
}

function Count({ app, part, count }: { app: string; part: Part; count: number }): JSX.Element {
  const query = Object.entries(parts[part]).map(([name, value]) => [name, `${value}`])
  return <a href={to(['apps', app, 'licenses'], Object.fromEntries(query))}>{words.count(count)}</a>
}

/** The end of the sentence: the programs that were refused today. */
function Refused({ app }: { readonly app: string }): JSX.Element {
  const { value } = useToday(app).value
  if (value === undefined) return <></>
  const { refused } = sumOf(value)
  return (
    <>
      {' '}
      <a href={to(['apps', app, 'refusals'])}>{refused === 0 ? text.noneRefused : words.count(refused)}</a>
      {refused > 0 && ` ${text.refused(refused)}`}.
    </>
  )
}

/** One true sentence, whose numbers are links. */
function Sentence({ app, numbers }: { readonly app: string; readonly numbers: Numbers }): JSX.Element {
  const part = (name: Part, say: (count: number) => string): ComponentChildren => {
    const count = numbers[name]
    return (
      count !== null && (
        <>
          <Count app={app} part={name} count={count} /> {say(count)}
        </>
      )
    )
  }
  return (
    <p class="sentence">
      {part('active', text.good)}: {part('ends', text.end)}
      {numbers.unseen !== null && <>, {part('unseen', text.unseen)}</>}. {part('expired', text.ended)},{' '}
      {part('revoked', text.revoked)}.
      <Refused app={app} />
    </p>
  )
}

function isEmpty({ active, expired, revoked }: Numbers): boolean {
  return active + expired + revoked === 0
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
      <span class="quiet">{text.tierFeatures(features.length)}</span>
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
            <Title>{title}</Title>
            {mode === 'test' && <p class="sub small">{text.testMode}</p>}
            <p class="badges">
              <code>{slug}</code>
              <a href={to(['apps', app, 'settings'])}>{text.settings}</a>
            </p>
          </header>
          {maySeeLicenses && (
            <Shown known={numbers.value} name={name}>
              {(value) => {
                if (value === null) return null
                return isEmpty(value) ? <FirstSteps app={app} /> : <Sentence app={app} numbers={value} />
              }}
            </Shown>
          )}
          <section aria-labelledby="tiers">
            <h2 id="tiers">{text.tiers}</h2>
            <Shown known={tiers.value} name={names.tiers(app)}>
              {(list) =>
                list.length === 0 ? (
                  <p class="sub small">{text.noTiers}</p>
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
