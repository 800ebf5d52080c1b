import type Stripe from 'stripe'

/** The state of a subscription at Stripe, as far as it decides about a license. Times are whole seconds since 1970. */
export interface Standing {
  readonly status: Stripe.Subscription.Status
  readonly price: string
  readonly quantity: number
  readonly from: number
  readonly to: number
  readonly cancelAt: number | null
  readonly endedAt: number | null
  readonly reason: Stripe.Subscription.CancellationDetails.Reason | null
  /** `null` for a customer who was deleted. */
  readonly email: string | null
}

/** The ids of the only subscription and its customer. */
export const subscriptionId = 'sub_1MowQVLkdIwHu7ixeRlqHVzs'
export const customerId = 'cus_Na6dX7aXxi11N4'

function priceOf({ price }: Standing): object {
  return {
    id: price,
    object: 'price',
    active: true,
    billing_scheme: 'per_unit',
    created: 1_679_609_766,
    currency: 'usd',
    livemode: false,
    metadata: {},
    product: 'prod_Na6dGcTsmU0I4R',
    recurring: { interval: 'year', interval_count: 1, usage_type: 'licensed' },
    type: 'recurring',
    unit_amount: 9_900,
    unit_amount_decimal: '9900',
  }
}

function itemOf(standing: Standing): object {
  return {
    id: 'si_Na6dzxczY5fwHx',
    object: 'subscription_item',
    created: 1_679_609_768,
    current_period_end: standing.to,
    current_period_start: standing.from,
    metadata: {},
    price: priceOf(standing),
    quantity: standing.quantity,
    subscription: subscriptionId,
    tax_rates: [],
  }
}

/** A subscription as an event carries it, in the form of Stripe’s public reference. The customer is an id. */
export function subscriptionOf(standing: Standing): object {
  return {
    id: subscriptionId,
    object: 'subscription',
    billing_cycle_anchor: 1_679_609_767,
    cancel_at: standing.cancelAt,
    cancel_at_period_end: standing.cancelAt !== null,
    canceled_at: standing.endedAt,
    cancellation_details: { comment: null, feedback: null, reason: standing.reason },
    collection_method: 'charge_automatically',
    created: 1_679_609_767,
    currency: 'usd',
    customer: customerId,
    ended_at: standing.endedAt,
    items: {
      object: 'list',
      data: [itemOf(standing)],
      has_more: false,
      url: `/v1/subscription_items?subscription=${subscriptionId}`,
    },
    latest_invoice: 'in_1MowQWLkdIwHu7ixuzkSPfKd',
    livemode: false,
    metadata: {},
    start_date: 1_679_609_767,
    status: standing.status,
    trial_end: null,
    trial_start: null,
  }
}

/** The same as the API responds with `expand: ['customer']`. */
export function expandedSubscriptionOf(standing: Standing): object {
  const { email } = standing
  const customer =
    email === null
      ? { id: customerId, object: 'customer', deleted: true }
      : { id: customerId, object: 'customer', email, name: 'Ada', livemode: false, metadata: {} }
  return { ...subscriptionOf(standing), customer }
}

/** The text of an event about an object. */
export function eventOf(id: string, type: string, object: object): string {
  const request = { id: 'req_1', idempotency_key: null }
  return JSON.stringify({
    id,
    object: 'event',
    api_version: '2026-10-28.endive',
    created: 1_679_609_767,
    data: { object },
    livemode: false,
    pending_webhooks: 1,
    request,
    type,
  })
}
