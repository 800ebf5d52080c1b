import type { JSX } from 'preact'
import type { License, LicenseQuery, Listing } from '../../src/core/index.ts'
import { AsCode } from '../as-code.tsx'
import { Badge } from '../badge.tsx'
import { licenseQuery, names, useCustomer, useLicenses, useTiers, type LicensePage } from '../known.ts'
import { go, here, to } from '../router.ts'
import { may, maySeeContact } from '../session.ts'
import { Shown, Title } from '../states.tsx'
import { ago, dateOf, exactly, toField } from '../times.ts'
import { Pager } from '../pager.tsx'
import { pageWords } from '../page-words.ts'
import { Table } from './table.tsx'

const states = ['active', 'expired', 'revoked'] as const

function isStatus(text: string | null): text is License['status'] {
  return states.some((state) => state === text)
}

/** The days of filters by time. */
const ends = [7, 30, 90] as const
const unseen = [30] as const

function daysIn(text: string | null | undefined, known: readonly number[]): number | undefined {
  return known.find((each) => `${each}` === text)
}

function pageOf(query: URLSearchParams): LicensePage {
  const [status, tierId, cursor] = ['status', 'tier', 'cursor'].map((name) => query.get(name))
  const endsIn = daysIn(query.get('ends'), ends)
  const unseenFor = daysIn(query.get('unseen'), unseen)
  return {
    ...(isStatus(status ?? null) && { status: status as License['status'] }),
    ...(tierId && { tierId }),
    ...(cursor && { cursor }),
    ...(endsIn !== undefined && { ends: endsIn }),
    ...(endsIn === undefined && unseenFor !== undefined && { unseen: unseenFor }),
  }
}

function placeOf(app: string, { tierId, ...page }: LicensePage): string {
  const given = Object.entries({ ...page, tier: tierId }).filter(([, value]) => value !== undefined)
  return to(['apps', app, 'licenses'], Object.fromEntries(given.map(([name, value]) => [name, `${value}`])))
}

/** The name of a filter by time: `ends=7`. */
function timeOf({ ends: endsIn, unseen: unseenFor }: LicensePage): string {
  if (endsIn !== undefined) return `ends=${endsIn}`
  return unseenFor === undefined ? '' : `unseen=${unseenFor}`
}

/** The one filter by time that a text names. */
function timeFrom(text: string): LicensePage {
  return pageOf(new URLSearchParams(text))
}

function CustomerName({ app, id }: { readonly app: string; readonly id: string }): JSX.Element {
  const { value } = useCustomer(app, id).value
  if (value === undefined) return <code class="quiet">{id.slice(0, 12)}…</code>
  return (
    <>
      <strong>{value.name ?? value.email}</strong>
      {value.name !== null && <small>{value.email}</small>}
    </>
  )
}

function Row({ app, license }: { readonly app: string; readonly license: License }): JSX.Element {
  const tiers = useTiers(app).value.value
  const tier = tiers?.find((one) => one.id === license.tierId)?.name ?? license.tier
  const { id, customerId, status, expiresAt, seenAt, name, installationId } = license
  return (
    <tr>
      <th scope="row">
        <a href={to(['apps', app, 'licenses', id])}>
          {may('customers:read') ? (
            <CustomerName app={app} id={customerId} />
          ) : (
            <code>{id.slice(0, 14)}…</code>
          )}
        </a>
      </th>
      <td>
        <Badge status={status} />
      </td>
      <td>{tier}</td>
      <td>{name ?? <code>{installationId.slice(0, 8)}…</code>}</td>
      <td>{expiresAt === null ? pageWords.licenses.forever : dateOf(expiresAt)}</td>
      <td>{seenAt ? <time title={exactly(seenAt)}>{ago(seenAt)}</time> : pageWords.licenses.never}</td>
    </tr>
  )
}

function LicenseTable({
  app,
  listing,
}: {
  readonly app: string
  readonly listing: Listing<License>
}): JSX.Element {
  if (listing.data.length === 0) return <p class="sub small">{pageWords.licenses.none}</p>
  const heads = [
    pageWords.licenses.customer,
    pageWords.licenses.state,
    pageWords.licenses.tier,
    pageWords.license.computer,
    pageWords.licenses.until,
    pageWords.licenses.seen,
  ]
  return (
    <Table label={pageWords.licenses.title} heads={heads}>
      {listing.data.map((license) => (
        <Row key={license.id} app={app} license={license} />
      ))}
    </Table>
  )
}

function TimeFilter({ app, page }: { readonly app: string; readonly page: LicensePage }): JSX.Element {
  const { tierId } = page
  const text = pageWords.licenses
  return (
    <label class="filter">
      <span class="unseen">{text.time}</span>
      <select
        value={timeOf(page)}
        onChange={({ currentTarget: { value } }) =>
          go(placeOf(app, { ...timeFrom(value), ...(tierId !== undefined && { tierId }) }))
        }
      >
        <option value="">{text.anyTime}</option>
        {ends.map((count) => (
          <option key={count} value={`ends=${count}`}>
            {text.ends(count)}
          </option>
        ))}
        {maySeeContact() &&
          unseen.map((count) => (
            <option key={count} value={`unseen=${count}`}>
              {text.unseen(count)}
            </option>
          ))}
      </select>
    </label>
  )
}

function Filters({ app, page }: { readonly app: string; readonly page: LicensePage }): JSX.Element {
  const tiers = useTiers(app).value.value ?? []
  const { status, tierId } = page
  const without: LicensePage = tierId === undefined ? {} : { tierId }
  const isOfAll = status === undefined && timeOf(page) === ''
  return (
    <div class="filters together">
      <nav class="tabs" aria-label={pageWords.licenses.state}>
        <a href={placeOf(app, without)} aria-current={isOfAll ? 'page' : undefined}>
          {pageWords.licenses.all}
        </a>
        {states.map((state) => (
          <a
            key={state}
            href={placeOf(app, { ...without, status: state })}
            aria-current={status === state ? 'page' : undefined}
          >
            {pageWords.licenses[state]}
          </a>
        ))}
      </nav>
      <TimeFilter app={app} page={page} />
      <label class="filter">
        <span class="unseen">{pageWords.licenses.tier}</span>
        <select
          value={tierId ?? ''}
          onChange={({ currentTarget: { value } }) =>
            go(
              placeOf(app, {
                ...(status !== undefined && { status }),
                ...timeFrom(timeOf(page)),
                ...(value !== '' && { tierId: value }),
              }),
            )
          }
        >
          <option value="">{pageWords.licenses.anyTier}</option>
          {tiers.map(({ slug, name }) => (
            <option key={slug} value={slug}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </div>
  )
}

function sentenceOf({ status, ...page }: LicensePage, total: number): string {
  const text = pageWords.licenses
  if (page.ends !== undefined) return text.endIn(total, page.ends)
  return page.unseen === undefined ? text.sentence(total, status ?? '') : text.unseenFor(total, page.unseen)
}

/** A query by the names of the API. */
function wireOf({ tierId, status, expiresBefore, seenBefore }: LicenseQuery): URLSearchParams {
  const time = (at: LicenseQuery['seenBefore']): string => `${toField(Number(at))}T00:00:00Z`
  return new URLSearchParams({
    ...(status !== undefined && { status }),
    ...(tierId !== undefined && { tier_id: tierId }),
    ...(expiresBefore !== undefined && { expires_before: time(expiresBefore) }),
    ...(seenBefore !== undefined && { seen_before: time(seenBefore) }),
  })
}

export function Licenses({ app = '' }: { readonly app?: string }): JSX.Element {
  const page = pageOf(here.value.query)
  const { cursor, ...first } = page
  const known = useLicenses(app, page)
  const total = known.value.value?.total
  const { cursor: _cursor, ...asked } = licenseQuery(page)
  const query = wireOf(asked)
  return (
    <article>
      <header class="lead">
        <Title>{pageWords.licenses.title}</Title>
        <p class="sub">{total === undefined ? '\u00a0' : sentenceOf(page, total)}</p>
      </header>
      <Filters app={app} page={page} />
      <Shown known={known.value} name={names.licenses(app)}>
        {(listing) => (
          <>
            <LicenseTable app={app} listing={listing} />
            <Pager
              newest={cursor === undefined ? null : placeOf(app, first)}
              older={
                listing.nextCursor === null ? null : placeOf(app, { ...page, cursor: listing.nextCursor })
              }
            />
          </>
        )}
      </Shown>
      <AsCode
        code={{
          call: `GET /apps/${app}/licenses${query.size === 0 ? '' : `?${query}`}`,
          typescript: `await licensing.licenses.list('${app}', ${JSON.stringify(asked)})`,
          cli: `licenses list --app ${app}${page.status === undefined ? '' : ` --status ${page.status}`}`,
        }}
      />
    </article>
  )
}
