import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { SigningKey } from '../../src/core/index.ts'
import { askAgain } from '../data.ts'
import { keysWords as text, shareOf } from '../keys-words.ts'
import { to } from '../router.ts'
import { isSecretKey, may } from '../session.ts'
import { fleetName, shortKid, useFleet, useImpact, type Fleet as Counts } from '../signing.ts'
import { Shown } from '../states.tsx'
import { dateOf, days, exactly, now } from '../times.ts'
import { words } from '../words.ts'
import { Stragglers } from './stragglers.tsx'

/** Milliseconds between two looks at the fleet after a rotation. */
const pace = 10_000

/** Asks again while programs arrive, as long as somebody looks. */
function useFollowing(app: string, isFollowed: boolean): void {
  useEffect(() => {
    if (!isFollowed) return
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') askAgain(fleetName(app))
    }, pace)
    return () => clearInterval(timer)
  }, [app, isFollowed])
}

function Arrived({ app, since, fleet }: { app: string; since: number; fleet: Counts }): JSX.Element {
  const { all, before, never } = fleet
  const done = all - before - never
  const isFollowed = now() - since < days(1) && done < all
  useFollowing(app, isFollowed)
  if (all === 0) return <p class="sub small">{text.noFleet}</p>
  return (
    <>
      <p class="sub small">
        {text.of(shareOf(done, all))}{' '}
        <a href={to(['apps', app, 'licenses'], { status: 'active' })}>{text.licenses(all)}</a>{' '}
        <span title={exactly(since)}>{text.arrived(done, dateOf(since))}</span>
      </p>
      <p class="progress">
        <progress aria-label={text.progress} value={done} max={all} />
      </p>
      <p class="note">
        {text.still(before)} {text.never(never)} {isFollowed && text.live}
      </p>
      {before + never > 0 && (
        <details class="ids">
          <summary>{text.rotation.notArrived(before + never)}</summary>
          <Stragglers app={app} before={since} never={never} count={before + never} />
        </details>
      )}
    </>
  )
}

/** The keys that programs showed last, which only a person who may rotate learns. */
function UnderKeys({ app }: { readonly app: string }): JSX.Element | null {
  const impact = useImpact(app).value.value
  if (!impact || impact.keys.length === 0) return null
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label={text.cameUnder}>
        <table class="list">
          <caption>{text.cameUnder}</caption>
          <thead>
            <tr>
              <th scope="col">{text.key}</th>
              <th scope="col">{text.programs}</th>
              {impact.seenWithin.map(({ days: span }) => (
                <th key={span} scope="col">
                  {text.within(span)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {impact.keys.map(({ kid, licenses, seenWithin }) => (
              <tr key={kid}>
                <th scope="row">
                  <code title={kid}>{shortKid(kid)}</code>
                </th>
                <td>{words.count(licenses)}</td>
                {seenWithin.map(({ days: span, licenses: seen }) => (
                  <td key={span}>{words.count(seen)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="note">{text.cameUnderLead}</p>
    </>
  )
}

/** The progress of the programs in the field since the last rotation. */
export function Fleet({
  app,
  keys,
}: {
  readonly app: string
  readonly keys: readonly SigningKey[]
}): JSX.Element | null {
  const since = Math.max(...keys.map(({ retiredAt }) => retiredAt ?? 0))
  const fleet = useFleet(app, since)
  if (!isSecretKey() || !may('licenses:read')) return null
  return (
    <section aria-labelledby="fleet" class="section">
      <h2 id="fleet">{text.fleet}</h2>
      {since === 0 ? (
        <p class="sub small">{text.fleetNone}</p>
      ) : (
        <Shown known={fleet.value} name={fleetName(app)}>
          {(counts) => <Arrived app={app} since={since} fleet={counts} />}
        </Shown>
      )}
      {may('apps:rotate') && <UnderKeys app={app} />}
    </section>
  )
}
