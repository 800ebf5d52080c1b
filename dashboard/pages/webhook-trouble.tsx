import type { JSX } from 'preact'
import type { App } from '../../src/core/index.ts'
import { complain, say } from '../toasts.tsx'
import { maySetAddress, setAddress } from '../webhook-address.ts'
import { webhookWords } from '../webhook-words.ts'
import { When } from '../when.tsx'

const { off, full } = webhookWords

/** Says what is wrong with a webhook, beside the act that mends it. */
export function Trouble({ app }: { readonly app: App }): JSX.Element {
  const { slug, webhookUrl, webhookDisabledAt, webhookQueueFullAt, webhookDroppedEvents } = app
  const switchOn = async (): Promise<void> => {
    try {
      await setAddress(slug, webhookUrl)
      say(off.isOn)
    } catch (error) {
      complain(error)
    }
  }
  return (
    <>
      {webhookDisabledAt !== null && (
        <div class="trouble">
          <p>
            <strong>
              {off.since} <When at={webhookDisabledAt} />
            </strong>
          </p>
          <p>{off.lead}</p>
          {maySetAddress() ? (
            <button type="button" class="primary" onClick={() => void switchOn()}>
              {off.on}
            </button>
          ) : (
            <p class="quiet">{off.mayNot}</p>
          )}
        </div>
      )}
      {webhookQueueFullAt !== null && (
        <div class="trouble">
          <p>
            <strong>
              {full.since} <When at={webhookQueueFullAt} />
            </strong>
          </p>
          <p>{full.lead(webhookDroppedEvents)}</p>
        </div>
      )}
      {webhookQueueFullAt === null && webhookDroppedEvents > 0 && (
        <p class="quiet">{full.past(webhookDroppedEvents)}</p>
      )}
    </>
  )
}
