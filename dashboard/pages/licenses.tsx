import type { JSX } from 'preact'
import type { License, Listing } from '../../src/core/index.ts'
import { AsCode } from '../as-code.tsx'
import { Badge } from '../badge.tsx'
import { names, useCustomer, useLicenses, useTiers, type LicensePage } from '../known.ts'
import { go, here, to } from '../router.ts'
import { may } from '../session.ts'
import { Shown, Title } from '../states.tsx'
import { ago, dateOf, exactly } from '../times.ts'
import { pageWords } from '../page-words.ts'

const states = ['active', 'expired', 'revoked'] as const

function isStatus(text: string | null): text is License['status'] {
  return states.some((state) => state === text)
}

function pageOf(query: URLSearchParams): LicensePage {
  const [status, tierId, cursor] = ['status', 'tier', 'cursor'].map((name) => query.get(name))
  return {
    ...(isStatus(status ?? null) && { status: status as License['status'] }),
    ...(tierId && { tierId }),
    ...(cursor && { cursor }),
  }
}

function placeOf(app: string, { status, tierId, cursor }: LicensePage): string {
  return to(['apps', app, 'licenses'], {
    ...(status !== undefined && { status }),
    ...(tierId !== undefined && { tier: tierId }),
    ...(cursor !== undefined && { cursor }),
  })
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

function Table({ app, listing }: { readonly app: string; readonly listing: Listing<License> }): JSX.Element {
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
    <div class="scroll" tabIndex={0} role="region" aria-label={pageWords.licenses.title}>
      <table class="list">
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {listing.data.map((license) => (
            <Row key={license.id} app={app} license={license} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Filters({ app, page }: { readonly app: string; readonly page: LicensePage }): JSX.Element {
  const tiers = useTiers(app).value.value ?? []
  const { status, tierId } = page
  const without: LicensePage = tierId === undefined ? {} : { tierId }
  return (
    <div class="filters">
      <nav class="tabs" aria-label={pageWords.licenses.state}>
        <a href={placeOf(app, without)} aria-current={status === undefined ? 'page' : undefined}>
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
      <label class="filter">
        <span class="unseen">{pageWords.licenses.tier}</span>
        <select
          value={tierId ?? ''}
          onChange={({ currentTarget: { value } }) =>
            go(
              placeOf(app, {
                ...(status !== undefined && { status }),
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

function Pager({ app, page, next }: { app: string; page: LicensePage; next: string | null }): JSX.Element {
  const { cursor, ...first } = page
  return (
    <nav class="pager" aria-label={pageWords.licenses.pages}>
      {cursor !== undefined && (
        <a class="button" href={placeOf(app, first)}>
          {pageWords.licenses.newest}
        </a>
      )}
      {next !== null && (
        <a class="button" href={placeOf(app, { ...page, cursor: next })}>
          {pageWords.licenses.older}
        </a>
      )}
    </nav>
  )
}

export function Licenses({ app = '' }: { readonly app?: string }): JSX.Element {
  const page = pageOf(here.value.query)
  const known = useLicenses(app, page)
  const total = known.value.value?.total
  const query = new URLSearchParams({
    ...(page.status !== undefined && { status: page.status }),
    ...(page.tierId !== undefined && { tier_id: page.tierId }),
  })
  return (
    <article>
      <header class="lead">
        <Title>{pageWords.licenses.title}</Title>
        <p class="sub">
          {total === undefined ? '\u00a0' : pageWords.licenses.sentence(total, page.status ?? '')}
        </p>
      </header>
      <Filters app={app} page={page} />
      <Shown known={known.value} name={names.licenses(app)}>
        {(listing) => (
          <>
            <Table app={app} listing={listing} />
            <Pager app={app} page={page} next={listing.nextCursor} />
          </>
        )}
      </Shown>
      <AsCode
        code={{
          call: `GET /apps/${app}/licenses${query.size === 0 ? '' : `?${query}`}`,
          typescript: `await licensing.licenses.list('${app}', ${JSON.stringify({ status: page.status, tierId: page.tierId })})`,
          cli: `licenses list --app ${app}${page.status === undefined ? '' : ` --status ${page.status}`}`,
        }}
      />
    </article>
  )
}
