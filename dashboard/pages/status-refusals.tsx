import type { JSX } from 'preact'
import type { Status } from '../../src/core/index.ts'
import { logWords, reasonWords } from '../log-words.ts'
import { to } from '../router.ts'
import { clockOf } from '../times.ts'
import { When } from '../when.tsx'
import { Table } from './table.tsx'

const text = logWords.status
type Refusal = Status['refusals'][number]

const hour = 3_600
/** A server keeps so many refusals of each code, and tells so many in all. */
const keptOfEach = 25
const told = 100

interface Code {
  readonly code: string
  readonly refusals: readonly Refusal[]
}

/** The refusals by their code, the most frequent first. */
function byCode(refusals: readonly Refusal[]): readonly Code[] {
  const codes = new Map<string, Refusal[]>()
  for (const refusal of refusals) codes.set(refusal.code, [...(codes.get(refusal.code) ?? []), refusal])
  return [...codes]
    .map(([code, ofCode]) => ({ code, refusals: ofCode }))
    .toSorted((a, b) => b.refusals.length - a.refusals.length)
}

function AppLink({ app }: { readonly app: string | null }): JSX.Element {
  return app === null ? <>–</> : <a href={to(['apps', app])}>{app}</a>
}

/** The names of apps, without the requests that named none. */
function appsOf(refusals: readonly Refusal[]): readonly string[] {
  return [...new Set(refusals.flatMap(({ app }) => (app === null ? [] : [app])))]
}

function CodeRow({ code, refusals, isCut }: Code & { readonly isCut: boolean }): JSX.Element {
  const { length } = refusals
  return (
    <tr>
      <th scope="row">
        <code>{code}</code>
      </th>
      <td>{reasonWords[code]}</td>
      <td class="figure">{isCut ? text.atLeast(length) : length}</td>
      <td>
        {appsOf(refusals).map((app) => (
          <AppLink key={app} app={app} />
        ))}
      </td>
      <td>
        <When at={refusals[0]?.time ?? 0} />
      </td>
    </tr>
  )
}

/** The errors of the last hour by their code. */
export function RefusedCodes({
  refusals,
  clock,
}: {
  readonly refusals: readonly Refusal[]
  readonly clock: number
}): JSX.Element {
  const latest = refusals.filter(({ time }) => time > clock - hour)
  const codes = byCode(latest)
  const isCut = ({ refusals: ofCode }: Code): boolean => ofCode.length >= keptOfEach
  const isAnyCut = refusals.length >= told || codes.some(isCut)
  const count = isAnyCut ? `${text.atLeast(latest.length)}` : text.requests(latest.length)
  return (
    <section aria-labelledby="refused">
      <h2 id="refused">{text.refused}</h2>
      {latest.length === 0 ? (
        <p class="sub small">{text.noneRefused}</p>
      ) : (
        <>
          <p class="sub small">{text.refusedLead(count)}</p>
          <Table
            label={text.refusedTable}
            heads={[text.code, text.meaning, text.count, text.app, text.last]}
            figures={[text.count]}
          >
            {codes.map((each) => (
              <CodeRow key={each.code} {...each} isCut={isCut(each)} />
            ))}
          </Table>
        </>
      )}
    </section>
  )
}

const shownAtMost = 20

/** The last refusals, newest first. */
export function LatestRefusals({ refusals }: { readonly refusals: readonly Refusal[] }): JSX.Element | null {
  if (refusals.length === 0) return null
  const heads = [text.time, text.route, text.code, text.app, text.key, text.request]
  return (
    <section aria-labelledby="latest">
      <h2 id="latest">{text.latest}</h2>
      <p class="sub small">
        {text.noId} <a href={to(['why'])}>{text.why}</a>
      </p>
      <Table label={text.latestTable} heads={heads}>
        {refusals.slice(0, shownAtMost).map(({ time, route, code, app, kid, requestId }, at) => (
          <tr key={`${requestId} ${at}`}>
            <th scope="row">
              <When at={time}>{clockOf(time)}</When>
            </th>
            <td>
              <code>{route}</code>
            </td>
            <td>
              <code>{code}</code>
            </td>
            <td>
              <AppLink app={app} />
            </td>
            <td>{kid === null ? '–' : <code title={kid}>{kid.slice(0, 8)}…</code>}</td>
            <td>
              <code title={requestId}>{requestId.slice(0, 8)}…</code>
            </td>
          </tr>
        ))}
      </Table>
    </section>
  )
}
