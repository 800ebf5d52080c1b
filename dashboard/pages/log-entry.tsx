import type { JSX } from 'preact'
import type { AuditEntry } from '../../src/core/index.ts'
import { actWords, logWords } from '../log-words.ts'
import { to } from '../router.ts'
import { may } from '../session.ts'
import { dateOf } from '../times.ts'
import { clockOf } from '../times.ts'
import { When } from '../when.tsx'

const text = logWords.log
const shortest = 20
const actors: Readonly<Record<string, string>> = text.actors

/** The name of an actor for the filter of the API. */
export function actorValue({ actor: { type, id } }: AuditEntry): string {
  return id ?? type
}

export function actorName({ actor: { type, id, label } }: AuditEntry): string {
  if (label) return label
  if (type === 'license') return text.license
  if (type === 'license_key') return text.licenseKey
  return id ?? actors[type] ?? type
}

/** An id that is short enough for a sentence. Both ends stay, because people compare those. */
export function shortId(id: string): string {
  return id.length <= shortest ? id : `${id.slice(0, 10)}…${id.slice(-4)}`
}

/** The pages of an app that show the kinds of things. */
const pages: Readonly<Record<string, (id: string) => readonly string[]>> = {
  app: () => [],
  license: (id) => ['licenses', id],
  license_key: (id) => ['license-keys', id],
  customer: (id) => ['customers', id],
  tier: () => ['tiers'],
  feature: () => ['tiers'],
  signing_key: () => ['signing-keys'],
  webhook_delivery: (id) => ['webhooks', id],
}

/** The page of a thing; `null` if no page shows it, or if it is gone. */
function pageOf({ action, target: { type, id } }: AuditEntry, app: string | undefined): string | null {
  if (id === null || action.endsWith('.deleted')) return null
  if (type === 'api_key') return may('keys:write') ? to(['api-keys', id]) : null
  const page = pages[type]?.(id)
  return app === undefined || page === undefined ? null : to(['apps', app, ...page])
}

/** The name that an entry itself gives its thing, such as that of a tier. Those of people are not in the log. */
function nameIn({ changes, target }: AuditEntry): string | null {
  if (target.type === 'license' || target.type === 'license_key' || target.type === 'customer') return null
  const { name, slug } = changes
  const [named] = [...(slug ?? []), ...(name ?? [])].filter((value) => typeof value === 'string').reverse()
  return typeof named === 'string' ? named : null
}

function Target({
  entry,
  app,
}: {
  readonly entry: AuditEntry
  readonly app: string | undefined
}): JSX.Element {
  const { id } = entry.target
  if (id === null) return <></>
  const name = nameIn(entry)
  const label = name === null ? <code title={id}>{shortId(id)}</code> : <span title={id}>{name}</span>
  const page = pageOf(entry, app)
  return page === null ? label : <a href={page}>{label}</a>
}

const time = /^\d{4}-\d\d-\d\dT[\d:]+Z$/

function Value({ value }: { readonly value: unknown }): JSX.Element {
  if (value === null || value === undefined) return <span class="quiet">{text.nothing}</span>
  if (typeof value === 'string' && time.test(value)) {
    const seconds = Date.parse(value) / 1000
    return <When at={seconds}>{dateOf(seconds)}</When>
  }
  if (Array.isArray(value)) return <>{value.map(String).join(', ')}</>
  if (typeof value === 'object')
    return (
      <>
        {Object.entries(value)
          .map(([name, each]) => `${name} ${String(each)}`)
          .join(', ')}
      </>
    )
  return <>{String(value)}</>
}

type Field = readonly [name: string, change: AuditEntry['changes'][string]]

/** The log keeps no value that could name a person or be a secret. */
const hidden = '…'

function HiddenChange({ change: [before, after] }: { readonly change: Field[1] }): JSX.Element {
  const word = before === null ? text.set : after === null ? text.removed : text.changed
  return <span title={text.hidden}>{word}</span>
}

function Change({ change }: { readonly change: Field[1] }): JSX.Element {
  const [before, after] = change
  if (change.includes(hidden)) return <HiddenChange change={change} />
  return (
    <>
      {before !== null && (
        <>
          <del>
            <Value value={before} />
          </del>{' '}
          <span aria-hidden="true">→</span> <span class="unseen">{text.becomes}</span>
        </>
      )}
      <ins>
        <Value value={after} />
      </ins>
    </>
  )
}

/** The fields with their values before and after. Of a new thing only the later ones say something. */
function Changes({ fields }: { readonly fields: readonly Field[] }): JSX.Element {
  return (
    <dl class="changes">
      {fields.map(([name, change]) => (
        <div key={name}>
          <dt>{name.replaceAll('_', ' ')}</dt>
          <dd>
            <Change change={change} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** So many fields are shown at once. More are behind a word. */
const fewFields = 2

/** The fields that say most of a new thing. */
const telling = ['tier', 'seats', 'features', 'name', 'expires_at', 'scopes']

function Fields({ changes }: Pick<AuditEntry, 'changes'>): JSX.Element | null {
  const fields = Object.entries(changes)
  if (fields.length === 0) return null
  if (fields.length <= fewFields) return <Changes fields={fields} />
  const shown = fields.filter(([name, change]) => telling.includes(name) && !change.includes(hidden))
  const first = shown.slice(0, fewFields)
  const rest = fields.filter((field) => !first.includes(field))
  return (
    <>
      {first.length > 0 && <Changes fields={first} />}
      <details>
        <summary>{text.more(rest.length)}</summary>
        <Changes fields={rest} />
      </details>
    </>
  )
}

/** Places that lead to a part of the log. */
export interface LogPlaces {
  readonly byActor: (actor: string) => string
  readonly byKind: (action: string) => string
  /** The slug of the app with this id; `undefined` if it is gone. */
  readonly slugOf: (id: string) => string | undefined
}

/** One act as a sentence, with what it changed. */
export function Entry({
  entry,
  places,
  isOfAll,
}: {
  readonly entry: AuditEntry
  readonly places: LogPlaces
  readonly isOfAll: boolean
}): JSX.Element {
  const { action, app: appId, requestId, seq, target } = entry
  const app = appId === null ? undefined : places.slugOf(appId)
  return (
    <li class="act">
      <When at={entry.time}>{clockOf(entry.time)}</When>
      <div>
        <p>
          <a class="actor" href={places.byActor(actorValue(entry))}>
            {actorName(entry)}
          </a>{' '}
          {actWords[action] ?? action} <Target entry={entry} app={app} />
          {isOfAll && target.type !== 'app' && appId !== null && (
            <>
              {' '}
              {text.ofApp} {app === undefined ? shortId(appId) : <a href={to(['apps', app])}>{app}</a>}
            </>
          )}
        </p>
        <Fields changes={entry.changes} />
      </div>
      <p class="quiet">
        <a href={places.byKind(action)}>
          <code>{action}</code>
        </a>
        {requestId !== null && (
          <span>
            {text.request} <code title={requestId}>{shortId(requestId)}</code>
          </span>
        )}
        {seq === null && <span>{text.unsealed}</span>}
      </p>
    </li>
  )
}
