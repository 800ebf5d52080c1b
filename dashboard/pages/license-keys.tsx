import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { LicenseKey, Listing } from '../../src/core/index.ts'
import { licensing } from '../api.ts'
import { AsCode } from '../as-code.tsx'
import { Badge } from '../badge.tsx'
import { useKnown } from '../data.ts'
import { names, useCustomer, useTiers } from '../known.ts'
import { here, to } from '../router.ts'
import { may } from '../session.ts'
import { Shown, Title } from '../states.tsx'
import { dateOf } from '../times.ts'
import { keyWords as text } from '../key-words.ts'
import { Pager } from '../pager.tsx'
import { pageWords } from '../page-words.ts'
import { words } from '../words.ts'
import { IssueKey } from './license-key-issue.tsx'
import { Meter } from './meter.tsx'
import { Table } from './table.tsx'

const states = ['active', 'expired', 'revoked'] as const
type Status = (typeof states)[number]

function placeOf(app: string, status?: Status, cursor?: string): string {
  return to(['apps', app, 'license-keys'], {
    ...(status !== undefined && { status }),
    ...(cursor !== undefined && { cursor }),
  })
}

function Holder({ app, licenseKey }: { readonly app: string; readonly licenseKey: LicenseKey }): JSX.Element {
  const { value } = useCustomer(app, licenseKey.customerId).value
  return (
    <>
      <strong>{value?.name ?? value?.email ?? '\u00a0'}</strong>
      {licenseKey.name !== null && <small>{licenseKey.name}</small>}
    </>
  )
}

function Row({ app, licenseKey }: { readonly app: string; readonly licenseKey: LicenseKey }): JSX.Element {
  const tiers = useTiers(app).value.value
  const { id, tierId, tier, status, seats, seatsUsed, expiresAt, keyLastFour, name } = licenseKey
  return (
    <tr>
      <th scope="row">
        <a href={to(['apps', app, 'license-keys', id])}>
          {may('customers:read') ? (
            <Holder app={app} licenseKey={licenseKey} />
          ) : (
            (name ?? <code>{id.slice(0, 14)}…</code>)
          )}
        </a>
      </th>
      <td>
        <Badge status={status} />
      </td>
      <td>{tiers?.find((one) => one.id === tierId)?.name ?? tier}</td>
      <td>
        <Meter used={seatsUsed} all={seats} /> {text.seatsOf(seatsUsed, seats)}
      </td>
      <td>{expiresAt === null ? pageWords.licenses.forever : dateOf(expiresAt)}</td>
      <td>
        <code>…{keyLastFour}</code>
      </td>
    </tr>
  )
}

const heads = [
  pageWords.licenses.customer,
  pageWords.licenses.state,
  pageWords.licenses.tier,
  text.seats,
  pageWords.licenses.until,
  text.text,
]

function KeyTable({
  app,
  listing,
}: {
  readonly app: string
  readonly listing: Listing<LicenseKey>
}): JSX.Element {
  return (
    <Table label={text.title} heads={heads}>
      {listing.data.map((licenseKey) => (
        <Row key={licenseKey.id} app={app} licenseKey={licenseKey} />
      ))}
    </Table>
  )
}

function Tabs({ app, status }: { readonly app: string; readonly status: Status | undefined }): JSX.Element {
  return (
    <nav class="tabs" aria-label={pageWords.licenses.state}>
      {[undefined, ...states].map((state) => (
        <a key={state ?? ''} href={placeOf(app, state)} aria-current={state === status ? 'page' : undefined}>
          {pageWords.licenses[state ?? 'all']}
        </a>
      ))}
    </nav>
  )
}

/** The call that fills an empty page. */
function Teach({ app }: { readonly app: string }): JSX.Element {
  return (
    <>
      <p class="sub small">{text.teach}</p>
      <AsCode
        code={{
          call: `POST /apps/${app}/license-keys`,
          body: { customer_id: 'cus_…', tier_id: 'pro', seats: 2, duration_days: 365 },
          typescript: `await licensing.licenseKeys.create('${app}', { customerId: 'cus_…', tierId: 'pro', seats: 2, durationDays: 365 })`,
          cli: `license-keys create --app ${app} --customer ada@example.com --tier pro --seats 2 --days 365`,
        }}
      />
    </>
  )
}

interface Query {
  readonly status?: Status
  readonly cursor?: string
}

function queryOf({ query }: { readonly query: URLSearchParams }): Query {
  const status = states.find((state) => state === query.get('status'))
  const cursor = query.get('cursor')
  return { ...(status !== undefined && { status }), ...(cursor !== null && { cursor }) }
}

export function LicenseKeys({ app = '' }: { readonly app?: string }): JSX.Element {
  const query = queryOf(here.value)
  const { status, cursor } = query
  const [isIssuing, setIssuing] = useState(false)
  const name = `${names.licenseKeys(app)} ${JSON.stringify(query)}`
  const known = useKnown(name, (signal) =>
    licensing.withOptions({ signal }).licenseKeys.list(app, { ...query, perPage: 25 }),
  )
  const total = known.value.value?.total
  const mayIssue = may('license_keys:write') && may('customers:write')
  return (
    <article>
      <header class="lead">
        <Title>{text.title}</Title>
        <p class="sub">{total === undefined ? '\u00a0' : text.sentence(total, status ?? '')}</p>
      </header>
      <div class="filters">
        <Tabs app={app} status={status} />
        {mayIssue && (
          <button type="button" class="primary" onClick={() => setIssuing(true)}>
            {text.issue}
          </button>
        )}
      </div>
      {!mayIssue && <p class="quiet">{words.acts.lacking('license_keys:write')}</p>}
      <Shown known={known.value} name={names.licenseKeys(app)}>
        {(listing) => (
          <>
            {listing.data.length > 0 && <KeyTable app={app} listing={listing} />}
            {listing.data.length === 0 &&
              (status === undefined ? <Teach app={app} /> : <p class="sub small">{text.none}</p>)}
            <Pager
              newest={cursor === undefined ? null : placeOf(app, status)}
              older={listing.nextCursor === null ? null : placeOf(app, status, listing.nextCursor)}
            />
          </>
        )}
      </Shown>
      {isIssuing && <IssueKey app={app} onClose={() => setIssuing(false)} />}
      <AsCode
        code={{
          call: `GET /apps/${app}/license-keys${status === undefined ? '' : `?status=${status}`}`,
          typescript: `await licensing.licenseKeys.list('${app}'${status === undefined ? '' : `, { status: '${status}' }`})`,
          cli: `license-keys list --app ${app}${status === undefined ? '' : ` --status ${status}`}`,
        }}
      />
    </article>
  )
}
