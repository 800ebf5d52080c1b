import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { WebhookDelivery } from '../../src/core/index.ts'
import {
  answerOf,
  causesOf,
  deliveryNames,
  placeOfDeliveries,
  useDeliveries,
  useFailures,
  type DeliveryFilter,
} from '../deliveries.ts'
import { to } from '../router.ts'
import { may } from '../session.ts'
import { Shown } from '../states.tsx'
import { webhookWords } from '../webhook-words.ts'
import { When } from '../when.tsx'
import { Pager } from '../pager.tsx'
import { Retries } from './delivery-retries.tsx'
import { Table } from './table.tsx'

const text = webhookWords.list
const { groups } = webhookWords

interface ListProps {
  readonly app: string
  readonly filter: DeliveryFilter
}

function Row({ app, delivery }: { readonly app: string; readonly delivery: WebhookDelivery }): JSX.Element {
  const { id, type, attempts, createdAt } = delivery
  return (
    <tr>
      <th scope="row">
        <a href={to(['apps', app, 'webhooks', id])}>{type}</a>
      </th>
      <td>{answerOf(delivery) ?? text.untried}</td>
      <td class="figure">{attempts}</td>
      <td>
        <When at={createdAt} />
      </td>
    </tr>
  )
}

function DeliveryTable({
  app,
  deliveries,
}: {
  app: string
  deliveries: readonly WebhookDelivery[]
}): JSX.Element {
  return (
    <Table
      label={text.table}
      heads={[text.event, text.outcome, text.attempts, text.made]}
      figures={[text.attempts]}
    >
      {deliveries.map((delivery) => (
        <Row key={delivery.id} app={app} delivery={delivery} />
      ))}
    </Table>
  )
}

/** The deliveries that wait or that arrived, page by page. */
export function Arrivals({ app, filter, cursor }: ListProps & { cursor: string | undefined }): JSX.Element {
  const known = useDeliveries(app, filter, cursor)
  return (
    <Shown known={known.value} name={deliveryNames.all(app)}>
      {({ data, nextCursor }) => (
        <>
          {data.length === 0 ? (
            <p class="sub small">{text.none}</p>
          ) : (
            <DeliveryTable app={app} deliveries={data} />
          )}
          <Pager
            newest={cursor === undefined ? null : placeOfDeliveries(app, filter)}
            older={nextCursor === null ? null : placeOfDeliveries(app, filter, { cursor: nextCursor })}
          />
        </>
      )}
    </Shown>
  )
}

interface CausesProps extends ListProps {
  readonly failures: readonly WebhookDelivery[]
  readonly error: string | null
}

/** The causes of the failures. Each shows its own deliveries. */
function Causes({ app, filter, failures, error }: CausesProps): JSX.Element {
  return (
    <ul class="apps causes" aria-label={groups.title}>
      {causesOf(failures).map((cause) => (
        <li key={cause.error}>
          <a
            href={placeOfDeliveries(app, filter, { error: cause.error })}
            aria-current={cause.error === error ? 'true' : undefined}
          >
            <strong>{cause.error}</strong>
            <span class="quiet">
              {groups.count(cause.deliveries.length)}, {groups.newest}{' '}
              <When at={cause.deliveries[0]?.createdAt ?? 0} />
            </span>
          </a>
        </li>
      ))}
    </ul>
  )
}

const firstRows = 10

/** The failed deliveries by cause, and the button that sends them again. */
export function Failures({ app, filter, error }: ListProps & { error: string | null }): JSX.Element {
  const known = useFailures(app, filter)
  const [isLong, setLong] = useState(false)
  return (
    <Shown known={known.value} name={deliveryNames.all(app)}>
      {({ items, total, isWhole }) => {
        const chosen = error === null ? items : items.filter((delivery) => answerOf(delivery) === error)
        // The call for all of them knows no filter.
        const isEvery = error === null && filter.type === undefined && filter.licenseId === undefined
        const since = isWhole ? (items.at(-1)?.createdAt ?? 0) : 0
        const retry = {
          app,
          deliveries: chosen,
          since: isEvery ? since : null,
          total: isEvery ? total : chosen.length,
        }
        return (
          <>
            {items.length > 0 && <Causes app={app} filter={filter} failures={items} error={error} />}
            {!isWhole && <p class="quiet">{groups.part(items.length)}</p>}
            {error !== null && (
              <p class="quiet">
                <a href={placeOfDeliveries(app, filter)}>{groups.all}</a>
              </p>
            )}
            {may('webhooks:write') && <Retries retry={retry} />}
            {chosen.length === 0 ? (
              <p class="sub small">{text.noneFailed}</p>
            ) : (
              <DeliveryTable app={app} deliveries={isLong ? chosen : chosen.slice(0, firstRows)} />
            )}
            {!isLong && chosen.length > firstRows && (
              <div class="pager">
                <button type="button" onClick={() => setLong(true)}>
                  {text.every(chosen.length)}
                </button>
              </div>
            )}
          </>
        )
      }}
    </Shown>
  )
}
