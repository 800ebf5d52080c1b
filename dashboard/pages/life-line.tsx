import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { License } from '../../src/core/index.ts'
import { dateOf, days, now } from '../times.ts'
import { pageWords } from '../page-words.ts'

const month = new Intl.DateTimeFormat('en-GB', { month: 'short', timeZone: 'UTC' })
const shortDay = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })
const year = new Intl.DateTimeFormat('en-GB', { year: 'numeric', timeZone: 'UTC' })

/** The stretch of time that the line shows. */
interface Frame {
  readonly from: number
  readonly to: number
}

function frameOf({ createdAt, expiresAt }: License, today: number): Frame {
  const end = expiresAt ?? today + days(180)
  const to = Math.max(end, today)
  // Some room behind the end, so that the label does not leave the card.
  return { from: createdAt, to: to + Math.max(days(7), (to - createdAt) * 0.04) }
}

function placer({ from, to }: Frame): (at: number) => string {
  return (at) => `${(((Math.min(to, Math.max(from, at)) - from) / (to - from)) * 100).toFixed(3)}%`
}

/** A label under the line. */
type Mark = readonly [at: number, label: string]

function weeksOf({ from, to }: Frame): readonly Mark[] {
  const step = days(to - from > days(56) ? 14 : 7)
  const first = Math.ceil(from / days(1)) * days(1)
  const count = Math.ceil((to - first) / step)
  return Array.from({ length: count }, (_, at) => first + at * step).map((at) => [
    at,
    shortDay.format(at * 1000),
  ])
}

/** Labels that leave room for each other: days of a short life, otherwise first days of months or of years. */
function marksOf(frame: Frame): readonly Mark[] {
  const { from, to } = frame
  if (to - from < days(100)) return weeksOf(frame)
  const start = new Date(from * 1000)
  const step = to - from > days(900) ? 12 : to - from > days(430) ? 3 : 1
  const first = step === 12 ? 12 : start.getUTCMonth() + 1
  const dates = Array.from({ length: 60 }, (_, at) => Date.UTC(start.getUTCFullYear(), first + at * step, 1))
  return dates
    .filter((date) => date / 1000 < to)
    .map((date) => [date / 1000, (step === 12 ? year : month).format(date)])
}

/** The state of a license on a day, as far as its present record tells. */
function standing({ createdAt, expiresAt, revokedAt }: License, tier: string, at: number): string {
  if (at < createdAt) return pageWords.license.before
  if (revokedAt !== null && at >= revokedAt) return `${tier}, ${pageWords.license.isRevoked}`
  return `${tier}, ${expiresAt !== null && at >= expiresAt ? pageWords.license.isEnded : pageWords.license.isGood}`
}

function Spans({ license, frame, today }: { license: License; frame: Frame; today: number }): JSX.Element {
  const where = placer(frame)
  const { createdAt, expiresAt, revokedAt } = license
  const end = expiresAt ?? frame.to
  const lived = Math.min(today, end, revokedAt ?? Infinity)
  const span = (kind: string, from: number, to: number): JSX.Element | null =>
    to <= from ? null : (
      <span
        class={`span ${kind}`}
        style={{ insetInlineStart: where(from), insetInlineEnd: `calc(100% - ${where(to)})` }}
      />
    )
  return (
    <>
      {span('lived', createdAt, lived)}
      {revokedAt === null ? span('ahead', Math.max(today, createdAt), end) : span('cut', lived, end)}
      {revokedAt === null && span('over', end, today)}
    </>
  )
}

function Flags({ license, frame }: { license: License; frame: Frame }): JSX.Element {
  const where = placer(frame)
  const { createdAt, issuedAt, expiresAt, revokedAt, seenAt } = license
  return (
    <>
      {issuedAt > createdAt && <i class="tick" style={{ insetInlineStart: where(issuedAt) }} />}
      {seenAt && <i class="tick" style={{ insetInlineStart: where(seenAt) }} />}
      {revokedAt !== null && (
        <b class="flag above bad" style={{ insetInlineStart: where(revokedAt) }}>
          {pageWords.license.wasRevokedOn}
        </b>
      )}
      {expiresAt !== null && (
        <b class="flag above end" style={{ insetInlineStart: where(expiresAt) }}>
          {pageWords.license.ends}
        </b>
      )}
    </>
  )
}

/** From the first day to the last, under a slider that tells what was true on a day. */
export function LifeLine({
  license,
  tier,
}: {
  readonly license: License
  readonly tier: string
}): JSX.Element {
  const today = now()
  const frame = frameOf(license, today)
  const [chosen, setAt] = useState<number | null>(null)
  const at = chosen ?? today
  const where = placer(frame)
  const told = at === today ? pageWords.license.today : dateOf(at)
  return (
    <figure class="life" aria-label={pageWords.license.life}>
      <div class="life-track">
        <Spans license={license} frame={frame} today={today} />
        <Flags license={license} frame={frame} />
        <i class="hand" style={{ insetInlineStart: where(at) }} />
        <input
          type="range"
          min={frame.from}
          max={frame.to}
          step={days(1)}
          value={at}
          aria-label={pageWords.license.aDay}
          aria-valuetext={`${told}: ${standing(license, tier, at)}`}
          onInput={(event) => setAt(event.currentTarget.valueAsNumber)}
        />
      </div>
      <div class="months" aria-hidden="true">
        {marksOf(frame).map(([time, label]) => (
          <span key={time} style={{ insetInlineStart: where(time) }}>
            {label}
          </span>
        ))}
      </div>
      <figcaption>
        <strong>{told}</strong> {standing(license, tier, at)}
      </figcaption>
    </figure>
  )
}
