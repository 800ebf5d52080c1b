import type { JSX } from 'preact'
import { AsCode } from '../as-code.tsx'
import { Badge } from '../badge.tsx'
import { names, useCustomer, useLicenses, useTiers } from '../known.ts'
import { to } from '../router.ts'
import { may } from '../session.ts'
import { Shown, Title } from '../states.tsx'
import { dateOf } from '../times.ts'
import { pageWords } from '../page-words.ts'
import { Fact } from '../fact.tsx'

function CustomerLicenses({ app, id }: { readonly app: string; readonly id: string }): JSX.Element {
  const known = useLicenses(app, { customerId: id }, 100)
  const tiers = useTiers(app).value.value
  return (
    <section aria-labelledby="licenses">
      <h2 id="licenses">{pageWords.customer.licenses}</h2>
      <Shown known={known.value} name={names.licenses(app)}>
        {({ data }) =>
          data.length === 0 ? (
            <p class="sub small">{pageWords.customer.none}</p>
          ) : (
            <ul class="apps">
              {data.map((license) => (
                <li key={license.id}>
                  <a href={to(['apps', app, 'licenses', license.id])}>
                    <strong>{license.name ?? <code>{license.installationId.slice(0, 8)}…</code>}</strong>{' '}
                    <Badge status={license.status} />
                    <span class="quiet">
                      {tiers?.find((one) => one.id === license.tierId)?.name ?? license.tier},{' '}
                      {license.expiresAt === null ? pageWords.licenses.forever : dateOf(license.expiresAt)}
                    </span>
                  </a>
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
    </section>
  )
}

export function CustomerPage({
  app = '',
  id = '',
}: {
  readonly app?: string
  readonly id?: string
}): JSX.Element {
  const known = useCustomer(app, id)
  return (
    <Shown known={known.value} name={names.customer(app, id)}>
      {({ name, email, externalId, createdAt }) => (
        <article>
          <nav class="crumbs" aria-label={pageWords.customer.where}>
            <a href={to(['apps', app, 'customers'])}>{pageWords.customers.title}</a>
          </nav>
          <header class="lead">
            <Title>{name ?? email}</Title>
            {name !== null && <p class="sub">{email}</p>}
          </header>
          <dl class="facts">
            {externalId !== null && (
              <Fact name={pageWords.customer.order}>
                <code>{externalId}</code>
              </Fact>
            )}
            <Fact name={pageWords.customer.since}>{dateOf(createdAt)}</Fact>
          </dl>
          {may('licenses:read') && <CustomerLicenses app={app} id={id} />}
          <AsCode
            code={{
              call: `GET /apps/${app}/customers/${id}`,
              typescript: `await licensing.customers.get('${app}', '${id}')`,
              cli: `customers get ${id} --app ${app}`,
            }}
          />
        </article>
      )}
    </Shown>
  )
}
