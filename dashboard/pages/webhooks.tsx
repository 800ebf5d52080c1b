import type { JSX } from 'preact'
import type { App, EventType } from '../../src/core/index.ts'
import { eventTypes } from '../../src/core/runtime/events.ts'
import { adopt } from '../adopt.ts'
import { AsCode } from '../as-code.tsx'
import {
  deliveryNames,
  placeOfDeliveries,
  useDeliveryCounts,
  type DeliveryCounts,
  type DeliveryFilter,
  type DeliveryState,
} from '../deliveries.ts'
import { useApp } from '../known.ts'
import { go, here } from '../router.ts'
import { isSecretKey, may } from '../session.ts'
import { Shown, Title } from '../states.tsx'
import { webhookWords } from '../webhook-words.ts'
import { words } from '../words.ts'
import { DeliveryPage } from './delivery.tsx'
import { Arrivals, Failures } from './delivery-list.tsx'
import { Endpoint } from './webhook-endpoint.tsx'
import { Trouble } from './webhook-trouble.tsx'
import css from '../style/events.css' with { type: 'text' }

adopt(css)

const text = webhookWords.list
const states = ['failed', 'pending', 'delivered'] as const

/** The query of the page. */
interface Query {
  readonly filter: DeliveryFilter
  /** The cause of failed deliveries. */
  readonly error: string | null
  readonly cursor: string | undefined
}

function queryOf(query: URLSearchParams): Query {
  const state = states.find((each) => each === query.get('state')) ?? 'failed'
  const type = query.get('type')
  const licenseId = query.get('license')
  const filter = {
    state,
    ...(type !== null && Object.hasOwn(eventTypes, type) && { type: type as EventType }),
    // The form is checked, because the page puts it into commands that people copy.
    ...(licenseId !== null && /^lic_[0-9a-z]{26}$/.test(licenseId) && { licenseId }),
  }
  return { filter, error: query.get('error'), cursor: query.get('cursor') ?? undefined }
}

/** One true sentence, whose numbers are links. */
function Sentence({ app, counts }: { readonly app: string; readonly counts: DeliveryCounts }): JSX.Element {
  const { failed, pending, delivered } = counts
  const { sentence } = webhookWords
  const link = (state: DeliveryState): JSX.Element => (
    <a href={placeOfDeliveries(app, { state })}>{words.count(counts[state])}</a>
  )
  if (failed + pending + delivered === 0) return <p class="sentence">{sentence.none}</p>
  if (failed + pending === 0)
    return (
      <p class="sentence">
        {sentence.all} {link('delivered')} {sentence.allArrived(delivered)}
      </p>
    )
  return (
    <p class="sentence">
      {failed > 0 && (
        <>
          {link('failed')} {sentence.failed(failed)}
          {pending > 0 ? ', ' : '. '}
        </>
      )}
      {pending > 0 && (
        <>
          {link('pending')} {failed > 0 ? sentence.waiting(pending) : sentence.eventsWait(pending)}.{' '}
        </>
      )}
      {delivered === 0 ? (
        sentence.noneArrived
      ) : (
        <>
          {link('delivered')} {sentence.arrived}
        </>
      )}
    </p>
  )
}

function Filters({ app, filter }: { readonly app: string; readonly filter: DeliveryFilter }): JSX.Element {
  const { type, licenseId, state } = filter
  const choose = (value: string): void => {
    const rest = { state, ...(licenseId && { licenseId }) }
    go(placeOfDeliveries(app, value === '' ? rest : { ...rest, type: value as EventType }))
  }
  return (
    <>
      <div class="filters">
        <nav class="tabs" aria-label={text.state}>
          {states.map((each) => (
            <a
              key={each}
              href={placeOfDeliveries(app, { ...filter, state: each })}
              aria-current={each === state ? 'page' : undefined}
            >
              {text.states[each]}
            </a>
          ))}
        </nav>
        <label class="filter">
          <span class="unseen">{text.type}</span>
          <select value={type ?? ''} onChange={(event) => choose(event.currentTarget.value)}>
            <option value="">{text.anyType}</option>
            {Object.keys(eventTypes).map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
      </div>
      {licenseId !== undefined && (
        <p class="quiet">
          {text.ofLicense(licenseId)}{' '}
          <a href={placeOfDeliveries(app, { state, ...(type && { type }) })}>{text.everyLicense}</a>
        </p>
      )}
    </>
  )
}

function Deliveries({ app }: { readonly app: string }): JSX.Element {
  const { filter, error, cursor } = queryOf(here.value.query)
  const { state, type, licenseId } = filter
  const query = new URLSearchParams({
    state,
    ...(type && { type }),
    ...(licenseId && { license_id: licenseId }),
  })
  const flags = `--state ${state}${type ? ` --type ${type}` : ''}${licenseId ? ` --license ${licenseId}` : ''}`
  return (
    <section aria-labelledby="deliveries">
      <h2 id="deliveries">{text.title}</h2>
      <Filters app={app} filter={filter} />
      {state === 'failed' ? (
        <Failures key={JSON.stringify(filter)} app={app} filter={filter} error={error} />
      ) : (
        <Arrivals app={app} filter={filter} cursor={cursor} />
      )}
      <AsCode
        code={{
          call: `GET /apps/${app}/webhook-deliveries?${query}`,
          typescript: `await licensing.webhooks.deliveries('${app}', ${JSON.stringify(filter)})`,
          cli: `webhooks deliveries --app ${app} ${flags}`,
        }}
      />
    </section>
  )
}

/** A pk_ key reads no deliveries, whatever its scopes. */
function maySee(): boolean {
  return isSecretKey() && may('webhooks:read')
}

/** True for an app that has never sent anything: then the page only teaches. */
function isBare(app: App | undefined, { failed, pending, delivered }: DeliveryCounts): boolean {
  return app?.webhookUrl === null && failed + pending + delivered === 0
}

function Everything({ app }: { readonly app: string }): JSX.Element {
  const known = useApp(app).value.value
  const counts = useDeliveryCounts(app)
  return (
    <Shown known={counts.value} name={deliveryNames.all(app)}>
      {(value) => (
        <>
          <Sentence app={app} counts={value} />
          {known !== undefined && <Trouble app={known} />}
          <div class="columns">
            {!isBare(known, value) && <Deliveries app={app} />}
            {known !== undefined && <Endpoint app={known} />}
          </div>
        </>
      )}
    </Shown>
  )
}

function Webhooks({ app }: { readonly app: string }): JSX.Element {
  return (
    <article class="events">
      <header class="lead">
        <Title>{webhookWords.title}</Title>
        {!maySee() && <p class="sub small">{webhookWords.mayNot}</p>}
      </header>
      {maySee() && <Everything app={app} />}
    </article>
  )
}

/** The deliveries of an app, or one of them. */
export function WebhooksSection({
  app = '',
  id,
}: {
  readonly app?: string
  readonly id?: string
}): JSX.Element {
  return id === undefined ? <Webhooks app={app} /> : <DeliveryPage app={app} id={id} />
}
