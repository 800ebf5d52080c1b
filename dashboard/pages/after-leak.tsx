import type { JSX } from 'preact'
import { licensing } from '../api.ts'
import { AsCode } from '../as-code.tsx'
import { useKnown } from '../data.ts'
import { keysWords as text } from '../keys-words.ts'
import { may, seesAll } from '../session.ts'
import { keysName } from '../signing.ts'
import { days, now } from '../times.ts'

/** API keys of the last day; `null` without the right to list them. */
function useKeysOfDay(app: string): number | null | undefined {
  const known = useKnown(`${keysName(app)} API keys`, async (signal) => {
    if (!may('keys:write') || !seesAll()) return null
    const { data } = await licensing.withOptions({ signal }).apiKeys.list({ perPage: 100 })
    return data.filter(({ createdAt }) => createdAt > now() - days(1)).length
  })
  return known.value.value
}

/** The rest of the work after a leak. A rotation alone does not end it. */
export function AfterLeak({ app }: { readonly app: string }): JSX.Element {
  const made = useKeysOfDay(app)
  return (
    <section aria-labelledby="else" class="section">
      <h2 id="else">{text.whatElse}</h2>
      <ol class="steps">
        <li>
          <p>{typeof made === 'number' ? text.keysOfDay(made) : text.keysLook}</p>
          <AsCode
            code={{
              call: 'GET /api-keys',
              typescript: 'await licensing.apiKeys.list()',
              cli: 'keys list',
            }}
          />
        </li>
        <li>
          <p>{text.rollWebhook}</p>
          <AsCode
            code={{
              call: `POST /apps/${app}/webhook-secret/roll`,
              body: {},
              typescript: `await licensing.webhooks.rollSecret('${app}')`,
            }}
          />
        </li>
        <li>
          <p>{text.masterKey}</p>
          <pre class="command">
            <code>{text.rekeyCommand}</code>
          </pre>
        </li>
      </ol>
    </section>
  )
}
