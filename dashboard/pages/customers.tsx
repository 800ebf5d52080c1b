import type { JSX } from 'preact'
import type { Customer, Listing } from '../../src/core/index.ts'
import { licensing } from '../api.ts'
import { AsCode } from '../as-code.tsx'
import { useKnown } from '../data.ts'
import { Pager } from '../pager.tsx'
import { pageWords } from '../page-words.ts'
import { go, here, to } from '../router.ts'
import { Shown, Title } from '../states.tsx'
import { dateOf } from '../times.ts'
import { Table } from './table.tsx'

const text = pageWords.customers
const heads = [text.customer, pageWords.customer.order, pageWords.customer.since]

interface Part {
  readonly email?: string
  readonly cursor?: string
}

function partOf(query: URLSearchParams): Part {
  const email = query.get('email')?.trim()
  const cursor = query.get('cursor')
  return { ...(email && { email }), ...(cursor && { cursor }) }
}

function placeOf(app: string, part: Part): string {
  return to(['apps', app, 'customers'], { ...part })
}

function Row({ app, customer }: { readonly app: string; readonly customer: Customer }): JSX.Element {
  const { id, name, email, externalId, createdAt } = customer
  return (
    <tr>
      <th scope="row">
        <a href={to(['apps', app, 'customers', id])}>
          <strong>{name ?? email}</strong>
          {name !== null && <small>{email}</small>}
        </a>
      </th>
      <td>{externalId !== null && <code>{externalId}</code>}</td>
      <td>{dateOf(createdAt)}</td>
    </tr>
  )
}

function Search({ app, email = '' }: { readonly app: string; readonly email?: string }): JSX.Element {
  const search = (event: SubmitEvent): void => {
    event.preventDefault()
    const asked = new FormData(event.currentTarget as HTMLFormElement).get('email')
    const part = typeof asked === 'string' ? asked.trim() : ''
    go(placeOf(app, part === '' ? {} : { email: part }))
  }
  return (
    <search>
      <form class="filters together" onSubmit={search}>
        <label class="filter">
          <span class="unseen">{text.email}</span>
          <input
            key={email}
            name="email"
            defaultValue={email}
            placeholder={text.email}
            autocomplete="off"
            spellcheck={false}
          />
        </label>
        <button type="submit">{text.search}</button>
        {email !== '' && <a href={placeOf(app, {})}>{text.showAll}</a>}
      </form>
    </search>
  )
}

/** The call that fills an empty page. */
function Teach({ app }: { readonly app: string }): JSX.Element {
  return (
    <>
      <p class="sub small">{text.teach}</p>
      <AsCode
        code={{
          call: `POST /apps/${app}/customers`,
          body: { email: 'ada@example.com' },
          typescript: `await licensing.customers.create('${app}', { email: 'ada@example.com' })`,
          cli: `customers create ada@example.com --app ${app}`,
        }}
        isOpen
      />
    </>
  )
}

interface FoundProps {
  readonly app: string
  readonly part: Part
  readonly listing: Listing<Customer>
}

function Found({ app, part, listing: { data, nextCursor } }: FoundProps): JSX.Element {
  const { cursor, ...first } = part
  if (data.length === 0 && part.email === undefined) return <Teach app={app} />
  if (data.length === 0) return <p class="sub small">{text.none}</p>
  return (
    <>
      <Table label={text.title} heads={heads}>
        {data.map((customer) => (
          <Row key={customer.id} app={app} customer={customer} />
        ))}
      </Table>
      <Pager
        newest={cursor === undefined ? null : placeOf(app, first)}
        older={nextCursor === null ? null : placeOf(app, { ...part, cursor: nextCursor })}
      />
    </>
  )
}

/** The customers of an app, newest first. */
export function Customers({ app = '' }: { readonly app?: string }): JSX.Element {
  const part = partOf(here.value.query)
  const { email } = part
  const name = `customers ${app} ${JSON.stringify(part)}`
  const known = useKnown(name, (signal) =>
    licensing.withOptions({ signal }).customers.list(app, { ...part, perPage: 25 }),
  )
  const total = known.value.value?.total
  const sentence = email === undefined ? text.sentence : (count: number) => text.found(count, email)
  const query = email === undefined ? '' : `?${new URLSearchParams({ email })}`
  return (
    <article>
      <header class="lead">
        <Title>{text.title}</Title>
        <p class="sub">{total === undefined ? '\u00a0' : sentence(total)}</p>
      </header>
      <Search app={app} {...(email !== undefined && { email })} />
      <Shown known={known.value} name={name}>
        {(listing) => <Found app={app} part={part} listing={listing} />}
      </Shown>
      <AsCode
        code={{
          call: `GET /apps/${app}/customers${query}`,
          typescript: `await licensing.customers.list('${app}'${email === undefined ? '' : `, ${JSON.stringify({ email })}`})`,
          cli: `customers list --app ${app}${email === undefined ? '' : ` --email '${email.replaceAll("'", "'\\''")}'`}`,
        }}
      />
    </article>
  )
}
