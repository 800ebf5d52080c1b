import type { JSX } from 'preact'
import type { License } from '../../src/core/index.ts'
import type { AuditEntry } from '../../src/core/audit/log.ts'
import { adopt } from '../adopt.ts'
import { licensing } from '../api.ts'
import { useKnown } from '../data.ts'
import { names } from '../known.ts'
import { may } from '../session.ts'
import { Shown } from '../states.tsx'
import css from '../style/keys.css' with { type: 'text' }
import { ago, dateOf, days, exactly, now } from '../times.ts'
import { historyWords as text } from '../history-words.ts'

adopt(css)

function valueOf(field: string, value: unknown): string {
  if (value === null) return field === 'expires_at' ? text.forever : text.nothing
  if (typeof value === 'string' && /_(?:at|until)$/.test(field)) return dateOf(Date.parse(value) / 1000)
  const told = typeof value === 'object' ? JSON.stringify(value) : `${value as string | number | boolean}`
  return told.length > 14 ? `${told.slice(0, 12)}…` : told
}

/** Days ago as people say it; what is longer ago has its date. */
function when(at: number): string {
  return now() - at < days(7) ? ago(at) : dateOf(at)
}

/** The changed fields that people ask for. The others follow from the act. */
function changesOf({ changes, action }: AuditEntry): readonly string[] {
  if (!action.endsWith('.updated')) return []
  return Object.entries(changes).flatMap(([field, [before, after]]) => {
    const name = text.fields[field]
    if (name === undefined) return []
    if (after === '…' || before === '…') return [text.fieldChanged(name)]
    return [`${name}: ${valueOf(field, before)} → ${valueOf(field, after)}`]
  })
}

function actorOf({ actor: { type, label, id } }: AuditEntry): string {
  const named = text.actors[type]
  return label === null ? (named ?? text.by(id ?? type)) : text.by(label)
}

function Entry({ entry }: { readonly entry: AuditEntry }): JSX.Element {
  const { time, action } = entry
  const verb = action.slice(action.indexOf('.') + 1)
  return (
    <li>
      <time title={exactly(time)}>{when(time)}</time>
      <strong>{text.acts[verb] ?? action}</strong> <span class="quiet">{actorOf(entry)}</span>
      {changesOf(entry).map((change) => (
        <span key={change} class="change">
          {change}
        </span>
      ))}
    </li>
  )
}

/** Renewals by the program are no acts, so the log has none. The license knows the last one. */
function Renewal({ at }: { readonly at: number }): JSX.Element {
  return (
    <li>
      <time title={exactly(at)}>{when(at)}</time>
      <strong>{text.renewed}</strong>
    </li>
  )
}

/** The entries, with the time of the last renewal in its place. */
function withRenewal(
  entries: readonly AuditEntry[],
  seenAt: number | null | undefined,
): readonly (AuditEntry | number)[] {
  if (!seenAt) return entries
  const at = entries.findIndex(({ time }) => time < seenAt)
  const place = at === -1 ? entries.length : at
  return [...entries.slice(0, place), seenAt, ...entries.slice(place)]
}

interface HistoryProps {
  readonly app: string
  readonly id: string
  /** The name of what the entries are about. It is asked for again with it. */
  readonly about: string
  readonly seenAt?: number | null
}

function Entries({ app, id, about, seenAt }: HistoryProps): JSX.Element {
  const name = `${about} history`
  const known = useKnown(name, (signal) =>
    licensing.withOptions({ signal }).audit.list(app, { target: id, perPage: 12 }),
  )
  return (
    <Shown known={known.value} name={name}>
      {({ data }) => (
        <ol class="history">
          {withRenewal(data, seenAt).map((entry) =>
            typeof entry === 'number' ? (
              <Renewal key="renewal" at={entry} />
            ) : (
              <Entry key={entry.id} entry={entry} />
            ),
          )}
          {data.length === 0 && !seenAt && <li class="quiet">{text.none}</li>}
        </ol>
      )}
    </Shown>
  )
}

/** The audit entries of one thing, newest first. */
export function HistoryOf(props: HistoryProps): JSX.Element {
  return (
    <section class="card" aria-labelledby="history">
      <h2 id="history" class="eyebrow">
        {text.title}
      </h2>
      {may('audit:read') ? <Entries {...props} /> : <p class="note">{text.lacking}</p>}
    </section>
  )
}

export function History({ app, license }: { readonly app: string; readonly license: License }): JSX.Element {
  const { id, seenAt } = license
  return <HistoryOf app={app} id={id} about={names.license(app, id)} seenAt={seenAt} />
}
