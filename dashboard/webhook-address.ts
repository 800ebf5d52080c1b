import { licensing } from './api.ts'
import { forget } from './data.ts'
import { forgetDeliveries } from './deliveries.ts'
import { names } from './known.ts'
import { may } from './session.ts'

/** True if the person may set the address, which is a field of the app. */
export function maySetAddress(): boolean {
  return may('webhooks:write') && may('catalogue:write')
}

/** Sets the address of an app, which also switches its webhook on. */
export async function setAddress(app: string, webhookUrl: string | null): Promise<void> {
  await licensing.apps.update(app, { webhookUrl })
  forget(names.app(app))
  forgetDeliveries(app)
}
