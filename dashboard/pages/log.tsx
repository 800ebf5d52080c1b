import type { JSX } from 'preact'
import type { AuditEntry, AuditQuery, Listing } from '../../src/core/index.ts'
import { adopt } from '../adopt.ts'
import { licensing } from '../api.ts'
import { AsCode, type Code } from '../as-code.tsx'
import { useKnown } from '../data.ts'
import { actWords, logWords, nounWords } from '../log-words.ts'
import { useApps } from '../known.ts'
import { go, here, to } from '../router.ts'
import { Failure, Shown, Title } from '../states.tsx'
import { ago, dateOf, days, fromField, now } from '../times.ts'
import css from '../style/log.css' with { type: 'text' }
import { actorName, actorValue, Entry, type LogPlaces } from './log-entry.tsx'
import { Pager } from '../pager.tsx'
import { Proof } from './log-proof.tsx'

adopt(css)

const text = logWords.log
const filters = ['action', 'actor', 'target', 'from', 'to'] as const

/** The part of the log that the address names. Days are in UTC, and the last one counts whole. */
type Part = Readonly<Partial<Record<(typeof filters)[number] | 'cursor', string>>>

function partOf(query: URLSearchParams): Part {
  const given = [...filters, 'cursor'].flatMap((name) => {
    const value = query.get(name)
    const isWrong = (name === 'from' || name === 'to') && !/^\d{4}-\d\d-\d\d$/.test(value ?? '')
    return !value || isWrong ? [] : [[name, value]]
  })
  return Object.fromEntries(given) as Part
}

function queryOf({ from, to: until, ...rest }: Part): AuditQuery {
  return {
    ...rest,
    ...(from !== undefined && { from: fromField(from) }),
    ...(until !== undefined && { to: fromField(until) + days(1) }),
  }
}

function placeOf(app: string, part: Part): string {
  const given = Object.entries(part).filter(([, value]) => value !== '')
  return to(app === '' ? ['log'] : ['apps', app, 'log'], Object.fromEntries(given))
}

/** The kinds of act, in groups by the noun that begins their name. */
const kinds = Object.entries(nounWords).map(
  ([noun, title]) =>
    [title, Object.keys(actWords).filter((action) => action.startsWith(`${noun}.`))] as const,
)

function KindFilter({
  value,
  onChoose,
}: {
  readonly value: string
  readonly onChoose: (kind: string) => void
}) {
  return (
    <label class="filter">
      <span>{text.kind}</span>
      <select value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
        <option value="">{text.everyKind}</option>
        {value !== '' && !(value in actWords) && <option value={value}>{value}</option>}
        {kinds.map(([title, actions]) => (
          <optgroup key={title} label={title}>
            {actions.map((action) => (
              <option key={action} value={action}>
                {action}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
    </label>
  )
}

/** The API lists no actors, so the filter offers those of the page. */
function actorsOf(entries: readonly AuditEntry[], chosen: string | undefined): ReadonlyMap<string, string> {
  const known = new Map<string, string>(Object.entries(text.actors))
  for (const entry of entries) known.set(actorValue(entry), actorName(entry))
  if (chosen !== undefined && !known.has(chosen)) known.set(chosen, chosen)
  return known
}

interface FilterProps {
  readonly app: string
  readonly part: Part
  readonly entries: readonly AuditEntry[]
}

function Filters({ app, part, entries }: FilterProps): JSX.Element {
  const { cursor: _cursor, ...chosen } = part
  const change = (name: (typeof filters)[number], value: string): void =>
    go(placeOf(app, { ...chosen, [name]: value.trim() }))
  return (
    <form class="log-filters" onSubmit={(event) => event.preventDefault()}>
      <KindFilter value={part.action ?? ''} onChoose={(value) => change('action', value)} />
      <label class="filter">
        <span>{text.actor}</span>
        <select value={part.actor ?? ''} onChange={(event) => change('actor', event.currentTarget.value)}>
          <option value="">{text.everyActor}</option>
          {[...actorsOf(entries, part.actor)].map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label class="filter">
        <span>{text.target}</span>
        <input
          value={part.target ?? ''}
          placeholder={text.targetHint}
          autocomplete="off"
          spellcheck={false}
          maxLength={255}
          onChange={(event) => change('target', event.currentTarget.value)}
        />
      </label>
      {(['from', 'to'] as const).map((name) => (
        <label key={name} class="filter">
          <span>{text[name]}</span>
          <input
            type="date"
            value={part[name] ?? ''}
            onChange={(event) => change(name, event.currentTarget.value)}
          />
        </label>
      ))}
      {Object.keys(chosen).length > 0 && <a href={placeOf(app, {})}>{text.all}</a>}
    </form>
  )
}

function dayName(day: number): string {
  const today = Math.floor(now() / 86_400)
  if (day === today) return text.today
  return day === today - 1 ? text.yesterday : dateOf(days(day))
}

/** The acts under the day on which they happened, newest first. */
function Days({
  entries,
  places,
  isOfAll,
}: {
  entries: readonly AuditEntry[]
  places: LogPlaces
  isOfAll: boolean
}) {
  const byDay = new Map<number, AuditEntry[]>()
  for (const entry of entries) {
    const day = Math.floor(entry.time / 86_400)
    byDay.set(day, [...(byDay.get(day) ?? []), entry])
  }
  return (
    <>
      {[...byDay].map(([day, acts]) => (
        <section key={day} class="day" aria-label={dayName(day)}>
          <h2>{dayName(day)}</h2>
          <ol>
            {acts.map((entry) => (
              <Entry key={entry.id} entry={entry} places={places} isOfAll={isOfAll} />
            ))}
          </ol>
        </section>
      ))}
    </>
  )
}

/** A word for a shell. */
function quoted(text: string): string {
  return /^[\w.:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

function literal(name: string, text: string): string {
  return name === 'from' || name === 'to' ? `new Date('${text}')` : JSON.stringify(text)
}

function codeOf(app: string, part: Part): Code {
  const { from, to: until, ...rest } = part
  const query = new URLSearchParams({
    ...rest,
    ...(from && { from: `${from}T00:00:00Z` }),
    ...(until && { to: new Date((fromField(until) + days(1)) * 1000).toISOString().replace('.000', '') }),
  })
  const flags = [...query]
    .filter(([name]) => name !== 'cursor')
    .map(([name, value]) => ` --${name} ${quoted(value)}`)
  const fields = [...query].map(([name, value]) => `${name}: ${literal(name, value)}`)
  const given = fields.length === 0 ? '' : `, { ${fields.join(', ')} }`
  return {
    call: `GET ${app === '' ? '' : `/apps/${app}`}/audit${query.size === 0 ? '' : `?${query}`}`,
    typescript: `await licensing.audit.list(${app === '' ? 'null' : `'${app}'`}${given})`,
    cli: `audit list${app === '' ? '' : ` --app ${app}`}${flags.join('')}`,
  }
}

function sentenceOf({ data, total }: Listing<AuditEntry>, isWhole: boolean): string {
  const [newest] = data
  if (total === undefined) return '\u00a0'
  if (!isWhole || newest === undefined) return isWhole ? text.kept(total) : text.like(total)
  return `${text.kept(total)} ${text.newest(ago(newest.time), actorName(newest))}`
}

/** The audit log of an app; without one, that of all apps. */
export function LogPage({ app = '' }: { readonly app?: string }): JSX.Element {
  const part = partOf(here.value.query)
  const name = `log ${app} ${JSON.stringify(part)}`
  const known = useKnown(name, (signal) =>
    licensing.withOptions({ signal }).audit.list(app === '' ? null : app, { ...queryOf(part), perPage: 25 }),
  )
  const apps = useApps().value.value ?? []
  const { value } = known.value
  const isWhole = Object.keys(part).length === 0
  const { cursor, ...chosen } = part
  const places: LogPlaces = {
    byActor: (actor) => placeOf(app, { ...chosen, actor }),
    byKind: (action) => placeOf(app, { ...chosen, action }),
    slugOf: (id) => apps.find((one) => one.id === id)?.slug,
  }
  if (value === undefined && known.value.error !== null)
    return <Failure error={known.value.error} name={name} />
  return (
    <article>
      <header class="lead">
        <Title>{app === '' ? text.titleOfAll : text.title}</Title>
        <p class="sub">{value === undefined ? '\u00a0' : sentenceOf(value, isWhole)}</p>
      </header>
      <Filters app={app} part={part} entries={value?.data ?? []} />
      <Shown known={known.value} name={name}>
        {({ data, nextCursor }) => (
          <>
            {data.length === 0 ? (
              <p class="sub small">{isWhole ? text.empty : text.none}</p>
            ) : (
              <Days entries={data} places={places} isOfAll={app === ''} />
            )}
            <Pager
              newest={cursor === undefined ? null : placeOf(app, chosen)}
              older={nextCursor === null ? null : placeOf(app, { ...part, cursor: nextCursor })}
            />
            <Proof entries={data} />
          </>
        )}
      </Shown>
      <AsCode code={codeOf(app, part)} />
    </article>
  )
}
