import type { JSX } from 'preact'
import { licensing } from '../api.ts'
import { useKnown } from '../data.ts'
import { logWords } from '../log-words.ts'
import { useApps } from '../known.ts'
import { outcomesOf, sumOf, type Outcome } from '../outcomes.ts'
import { to } from '../router.ts'
import { Shown } from '../states.tsx'
import { words } from '../words.ts'
import { clockOf } from '../times.ts'
import { Table } from './table.tsx'

const text = logWords.status
const hour = 3_600
/** Each app is a request. */
const mostApps = 10

interface AppOutcomes {
  readonly slug: string
  readonly name: string
  readonly outcomes: readonly Outcome[]
}

function Row({ slug, name, outcomes }: AppOutcomes): JSX.Element {
  const { good, refused } = sumOf(outcomes)
  const codes = outcomes.filter(({ code }) => code !== 'ok')
  return (
    <tr>
      <th scope="row">
        <a href={to(['apps', slug])}>{name}</a>
      </th>
      <td class="figure">{words.count(good)}</td>
      <td class="figure">
        {refused === 0 ? 0 : <a href={to(['apps', slug, 'refusals'])}>{words.count(refused)}</a>}
      </td>
      <td>
        <span class="chips">
          {codes.map(({ act, code, count }) => (
            <span key={act + code} class="chip">
              {act}.{code} {words.count(count)}
            </span>
          ))}
        </span>
      </td>
    </tr>
  )
}

/** The replies to programs by app, as the statistics count them. */
export function Told({ clock }: { readonly clock: number }): JSX.Element {
  const apps = (useApps().value.value ?? []).slice(0, mostApps)
  const from = clock - hour - (clock % hour)
  const name = `told ${from} ${apps.map(({ slug }) => slug).join(' ')}`
  const known = useKnown(name, (signal) => {
    const { stats } = licensing.withOptions({ signal })
    return Promise.all(
      apps.map(async ({ slug, name: title }): Promise<AppOutcomes> => {
        return { slug, name: title, outcomes: outcomesOf(await stats(slug, { from, step: 'hour' })) }
      }),
    )
  })
  return (
    <section aria-labelledby="told">
      <h2 id="told">{text.told}</h2>
      <Shown known={known.value} name={name}>
        {(list) => {
          const asked = list.filter(({ outcomes }) => outcomes.length > 0)
          return (
            <>
              <p class="sub small">
                {text.toldSince(clockOf(from))} {asked.length === 0 && text.noneTold}
              </p>
              {asked.length > 0 && (
                <Table
                  label={text.toldTable}
                  heads={[text.app, text.yes, text.no, text.code]}
                  figures={[text.yes, text.no]}
                >
                  {asked.map((each) => (
                    <Row key={each.slug} {...each} />
                  ))}
                </Table>
              )}
            </>
          )
        }}
      </Shown>
    </section>
  )
}
