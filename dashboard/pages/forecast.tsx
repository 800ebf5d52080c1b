import type { JSX } from 'preact'
import type { RotationImpact } from '../../src/core/index.ts'
import { keysWords, shareOf } from '../keys-words.ts'
import { to } from '../router.ts'
import { may } from '../session.ts'
import { lateOf, type Forecast } from '../signing.ts'
import { days, now } from '../times.ts'
import { words } from '../words.ts'
import { Stragglers } from './stragglers.tsx'

const text = keysWords.rotation

/** The trust of programs, as the third question has it. */
export type Trust = 'statements' | 'builtIn' | 'unknown'

/** A bar for each span of time in which active licenses last renewed, with their number. */
function Seen({ impact, all }: { readonly impact: RotationImpact; readonly all: number }): JSX.Element {
  const rows: readonly (readonly [string, number])[] = [
    ...impact.seenWithin.map(({ days: span, licenses }) => [keysWords.within(span), licenses] as const),
    [text.ever, impact.neverSeen],
  ]
  return (
    <table class="seen-table">
      <caption>{text.seen}</caption>
      <tbody>
        {rows.map(([name, count]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>
              <meter value={count} max={Math.max(1, all)} aria-label={name} />
            </td>
            <td>{words.count(count)}</td>
            <td class="quiet">{shareOf(count, all)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Late({ app, graceDays, forecast }: ForecastProps): JSX.Element {
  const { all, impact } = forecast
  const late = lateOf(forecast, graceDays)
  if (graceDays === 0)
    return (
      <>
        <p class="sub small">{text.noGrace}</p>
        <p class="note">{text.everybody}</p>
      </>
    )
  return (
    <>
      <p class="sub small">
        {text.willRenew(graceDays, shareOf(all - late, all))} {late === 0 ? text.allWill : text.willNot(late)}
      </p>
      {late > 0 && may('licenses:read') && (
        <details class="ids">
          <summary>{text.stragglers(late)}</summary>
          <Stragglers app={app} before={now() - days(graceDays)} never={impact.neverSeen} count={late} />
        </details>
      )}
    </>
  )
}

export interface ForecastProps {
  readonly app: string
  readonly graceDays: number
  readonly forecast: Forecast
}

/** The forecast of a rotation, from the signs of life of the licenses. */
export function ForecastOf(props: ForecastProps): JSX.Element {
  const { app, forecast } = props
  const { all, impact } = forecast
  return (
    <section aria-labelledby="forecast" class="section">
      <h2 id="forecast">{text.forecast}</h2>
      <p class="sub small">
        {all === 0 ? (
          text.noLicenses
        ) : (
          <>
            <a href={to(['apps', app, 'licenses'], { status: 'active' })}>{keysWords.licenses(all)}</a>{' '}
            {text.get(all)}
          </>
        )}
      </p>
      {all > 0 && (
        <>
          <Late {...props} />
          <Seen impact={impact} all={all} />
        </>
      )}
    </section>
  )
}

interface Moment {
  readonly when: string
  readonly says: string
  readonly action: 'update' | 'new_token' | null
}

interface ShowsProps {
  readonly trust: Trust
  readonly graceDays: number
  readonly isLeak: boolean
}

function momentsOf(isBuiltIn: boolean, { graceDays, isLeak }: Omit<ShowsProps, 'trust'>): readonly Moment[] {
  const followed = isLeak ? text.statementsLeak : text.statementsAfter
  const after: Moment = {
    when: graceDays > 0 ? text.after : text.atOnce,
    says: isBuiltIn ? text.builtInAfter : followed,
    action: 'new_token',
  }
  if (graceDays === 0) return [after]
  const meanwhile: Moment = {
    when: text.meanwhile,
    says: isBuiltIn ? text.builtInGrace : text.statementsGrace,
    action: isBuiltIn ? 'update' : null,
  }
  return [meanwhile, after]
}

/** The words of programs in the field, by the trust that they were built with. */
export function Shows({ trust, ...rotation }: ShowsProps): JSX.Element {
  const kinds = trust === 'unknown' ? (['statements', 'builtIn'] as const) : [trust]
  return (
    <section class="card" aria-labelledby="shows">
      <h2 id="shows">{text.shows}</h2>
      {kinds.map((kind) => (
        <div key={kind} class="shows">
          {kinds.length > 1 && <h3>{text[kind]}</h3>}
          <dl>
            {momentsOf(kind === 'builtIn', rotation).map(({ when, says, action }) => (
              <div key={when}>
                <dt>{when}</dt>
                <dd>
                  {says}{' '}
                  {action !== null && (
                    <span class="quiet">
                      {text.action} <code>{action}</code>
                    </span>
                  )}
                </dd>
              </div>
            ))}
          </dl>
        </div>
      ))}
    </section>
  )
}
