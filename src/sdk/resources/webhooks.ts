import { allItems } from '../../core/all-items.ts'
import type { RetriedDeliveries } from '../../core/webhooks/retries.ts'
import type {
  WebhookDelivery,
  WebhookDeliveryDetail,
  Webhooks,
  WebhookSecret,
} from '../../core/webhooks/webhooks.ts'
import type { Api } from '../api.ts'
import { idSegment, path } from '../path.ts'

export function remoteWebhooks(api: Api): Webhooks {
  const deliveries: Webhooks['deliveries'] = (app, query) =>
    api.list<WebhookDelivery>(path`/apps/${app}/webhook-deliveries`, query)
  return {
    deliveries,
    allDeliveries: (app, filter) => allItems((paging) => deliveries(app, { ...filter, ...paging })),
    secret: (app) => api.get<WebhookSecret>(path`/apps/${app}/webhook-secret`),
    rollSecret: (app, options) => api.post<WebhookSecret>(path`/apps/${app}/webhook-secret/roll`, options),
    delivery: (app, id) =>
      api.get<WebhookDeliveryDetail>(path`/apps/${app}/webhook-deliveries/${idSegment(id)}`),
    retry: (app, id) =>
      api.post<WebhookDelivery>(path`/apps/${app}/webhook-deliveries/${idSegment(id)}/retry`),
    retryAll: (app, selection) =>
      api.post<RetriedDeliveries>(path`/apps/${app}/webhook-deliveries/retry`, selection),
    test: (app) => api.post<WebhookDelivery>(path`/apps/${app}/webhook-test`),
  }
}
