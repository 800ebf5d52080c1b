import type { ReadonlySignal } from '@preact/signals'
import type { EventType, Listing, WebhookDelivery, WebhookDeliveryDetail } from '../src/core/index.ts'
import { licensing } from './api.ts'
import { forget, useKnown, type Known } from './data.ts'
import { newest, type Newest } from './newest.ts'
import { to } from './router.ts'

type Asked<T> = ReadonlySignal<Known<T>>

export type DeliveryState = WebhookDelivery['state']

/** The deliveries that a page shows. */
export interface DeliveryFilter {
  readonly state: DeliveryState
  readonly type?: EventType
  readonly licenseId?: string
}

/** The place of the deliveries that match a filter. */
export function placeOfDeliveries(
  app: string,
  { state, type, licenseId }: DeliveryFilter,
  more: Readonly<Record<string, string>> = {},
): string {
  const query = { state, ...(type && { type }), ...(licenseId && { license: licenseId }), ...more }
  return to(['apps', app, 'webhooks'], query)
}

export const deliveryNames = {
  all: (app: string): string => `deliveries ${app}`,
  one: (app: string, id: string): string => `deliveries ${app} ${id}`,
}

/** Makes all that is known of the deliveries of an app old. */
export function forgetDeliveries(app: string): void {
  forget(deliveryNames.all(app))
}

export type DeliveryCounts = Readonly<Record<DeliveryState, number>>

/** Each count is the total of a page, which the server has by an index. */
export function useDeliveryCounts(app: string): Asked<DeliveryCounts> {
  return useKnown(`${deliveryNames.all(app)} counts`, async (signal) => {
    const { webhooks } = licensing.withOptions({ signal })
    const count = async (state: DeliveryState): Promise<number> =>
      (await webhooks.deliveries(app, { state, perPage: 1 })).total ?? 0
    const [failed, pending, delivered] = await Promise.all([
      count('failed'),
      count('pending'),
      count('delivered'),
    ])
    return { failed, pending, delivered }
  })
}

export function useDeliveries(
  app: string,
  filter: DeliveryFilter,
  cursor: string | undefined,
): Asked<Listing<WebhookDelivery>> {
  const name = `${deliveryNames.all(app)} ${JSON.stringify(filter)} ${cursor}`
  return useKnown(name, (signal) =>
    licensing
      .withOptions({ signal })
      .webhooks.deliveries(app, { ...filter, perPage: 25, ...(cursor !== undefined && { cursor }) }),
  )
}

/** As many as one looks through to find the causes. */
const mostFailures = 500

/** The failed deliveries, as far as a page groups them by cause. */
export function useFailures(app: string, filter: DeliveryFilter): Asked<Newest<WebhookDelivery>> {
  return useKnown(`${deliveryNames.all(app)} failures ${JSON.stringify(filter)}`, (signal) => {
    const { webhooks } = licensing.withOptions({ signal })
    return newest((paging) => webhooks.deliveries(app, { ...filter, ...paging }), mostFailures)
  })
}

export function useDelivery(app: string, id: string): Asked<WebhookDeliveryDetail> {
  return useKnown(deliveryNames.one(app, id), (signal) =>
    licensing.withOptions({ signal }).webhooks.delivery(app, id),
  )
}

/** The last answer in words; `null` before the first attempt. */
export function answerOf({ lastError, lastStatus }: WebhookDelivery): string | null {
  return lastError ?? (lastStatus === null ? null : `${lastStatus}`)
}

/** Deliveries that failed for one cause. */
export interface Cause {
  readonly error: string
  readonly deliveries: readonly WebhookDelivery[]
}

/** The causes of failures, the most frequent first. */
export function causesOf(failures: readonly WebhookDelivery[]): readonly Cause[] {
  const found = Map.groupBy(failures, (delivery) => answerOf(delivery) ?? '')
  return [...found]
    .map(([error, deliveries]) => ({ error, deliveries }))
    .toSorted((one, other) => other.deliveries.length - one.deliveries.length)
}
