import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { licensing } from '../api.ts'
import { copy } from '../clipboard.ts'
import { Dialog } from '../dialog.tsx'
import { Icon } from '../icons.tsx'
import { useApp } from '../known.ts'
import { base } from '../place.ts'
import { masked, Secret } from '../secret.tsx'
import { complain, say } from '../toasts.tsx'
import { pageWords } from '../page-words.ts'
import { words } from '../words.ts'
import type { Held } from './license-changes.ts'

const text = pageWords.license

/** A text that holds the token, and what says that it is copied. */
interface Sending {
  readonly told: string
  readonly make: (token: string) => string
}

/** The license as a file and as a token. The token comes at the click, and the page keeps it nowhere. */
export function Handout({ app, license }: Held): JSX.Element | null {
  const [shown, setShown] = useState<string | null>(null)
  const { name = app } = useApp(app).value.value ?? {}
  if (license.status !== 'active' || !('jti' in license)) return null
  const take = async ({ told, make }: Sending): Promise<void> => {
    try {
      const token = await licensing.licenses.token(app, license.id)
      if (token === null) return
      // Over plain http a browser has no clipboard.
      if (await copy(make(token))) say(told)
      else setShown(make(token))
    } catch (error) {
      complain(error)
    }
  }
  const token: Sending = { told: text.copied, make: (given) => given }
  const mail: Sending = { told: text.mailCopied, make: (given) => text.mail(name, given) }
  const file = new URL(`api/v1/apps/${encodeURIComponent(app)}/licenses/${license.id}/file`, base)
  return (
    <div class="handout">
      <a class="button" href={file.href} download={`${app}.license`}>
        <Icon name="down" /> {text.file}
      </a>
      <button type="button" onClick={() => void take(mail)}>
        <Icon name="send" /> {text.copyMail}
      </button>
      <button type="button" onClick={() => void take(token)}>
        <Icon name="copy" /> {text.copyToken}
      </button>
      {shown !== null && (
        <Dialog
          title={text.copyByHand}
          lead={text.copyHint}
          action={words.acts.close}
          onAct={async () => undefined}
          onClose={() => setShown(null)}
        >
          <Secret label={text.copyByHand} secret={masked(shown)} onGone={() => setShown(null)} />
        </Dialog>
      )}
    </div>
  )
}
