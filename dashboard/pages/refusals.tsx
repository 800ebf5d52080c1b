import type { JSX } from 'preact'
import { AsCode } from '../as-code.tsx'
import { logWords, reasonWords } from '../log-words.ts'
import { useApp } from '../known.ts'
import { sumOf, todayName, useToday, type Outcome } from '../outcomes.ts'
import { to } from '../router.ts'
import { may } from '../session.ts'
import { Shown, Title } from '../states.tsx'
import { pageWords } from '../page-words.ts'
import { words } from '../words.ts'
import { Table } from './table.tsx'

const text = logWords.refusals

/** The licenses that programs are refused for, where a list shows them. */
const lists: Readonly<Record<string, string>> = {
  token_expired: 'expired',
  license_revoked: 'revoked',
}

const heads = [text.reason, text.asked, text.count, logWords.status.code, text.licenses]

function Row({ app, outcome }: { readonly app: string; readonly outcome: Outcome }): JSX.Element {
  const { act, code, count } = outcome
  const status = lists[code]
  return (
    <tr>
      <th scope="row">{reasonWords[code] ?? code}</th>
      <td>{text.acts[act]}</td>
      <td class="figure">{words.count(count)}</td>
      <td>
        <code>{code}</code>
      </td>
      <td>
        {status !== undefined && may('licenses:read') && (
          <a href={to(['apps', app, 'licenses'], { status })}>{text.show}</a>
        )}
      </td>
    </tr>
  )
}

/** The programs that were refused today, by the reason. */
export function RefusalsPage({ app = '' }: { readonly app?: string }): JSX.Element {
  const known = useToday(app)
  const appName = useApp(app).value.value?.name ?? app
  return (
    <Shown known={known.value} name={todayName(app)}>
      {(outcomes) => {
        const { good, refused } = sumOf(outcomes)
        return (
          <article>
            <nav class="crumbs" aria-label={pageWords.customer.where}>
              <a href={to(['apps', app])}>{appName}</a>
            </nav>
            <header class="lead">
              <Title>{text.title(refused)}.</Title>
              <p class="sub">
                {text.lead(good)} {text.minute}
              </p>
              {refused > 0 && may('licenses:read') && (
                <p>
                  <a href={to(['why'])}>{words.find.why}</a>
                </p>
              )}
            </header>
            {refused > 0 ? (
              <Table label={logWords.status.no} heads={heads} figures={[text.count]}>
                {outcomes.map(
                  (outcome) =>
                    outcome.code !== 'ok' && (
                      <Row key={outcome.act + outcome.code} app={app} outcome={outcome} />
                    ),
                )}
              </Table>
            ) : (
              <p class="sub small">{text.none}</p>
            )}
            <AsCode
              code={{
                call: `GET /apps/${app}/stats?step=day`,
                typescript: `await licensing.stats('${app}', { step: 'day' })`,
                cli: `stats ${app}`,
              }}
            />
          </article>
        )
      }}
    </Shown>
  )
}
