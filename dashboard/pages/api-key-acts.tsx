import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { ApiKey, ApiKeyWithSecret } from '../../src/core/index.ts'
import { licensing } from '../api.ts'
import { forget } from '../data.ts'
import { Dialog } from '../dialog.tsx'
import { Field } from '../field.tsx'
import { keyWords } from '../api-key-words.ts'
import { heldKey, invite, keysName, nameOf, stateOf } from '../api-keys.ts'
import { to } from '../router.ts'
import { Secret, type HeldSecret } from '../secret.tsx'
import { person, session } from '../session.ts'
import { complain, say } from '../toasts.tsx'
import { Typed } from '../typed.tsx'
import { When } from '../when.tsx'

const { roll: rollText, revoke: revokeText, invite: inviteText, create } = keyWords

interface ActProps {
  readonly apiKey: ApiKey
  readonly onClose: () => void
}

function isOwn({ id }: ApiKey): boolean {
  return person()?.id === id
}

/** The text to type before an act that nothing undoes. */
function typedFor({ name, lastFour }: ApiKey): string {
  return name?.trim() || lastFour
}

/** Seconds for which the old key works on. */
const overlaps = [86_400, 604_800, 3_600, 0] as const

type Overlap = (typeof overlaps)[number]

function Roll({
  apiKey,
  onClose,
  onRolled,
}: ActProps & { onRolled: (key: ApiKeyWithSecret) => void }): JSX.Element {
  const [overlap, setOverlap] = useState<Overlap>(86_400)
  // The session of an own key that ends now would be over before anybody has seen the new one.
  const choices = overlaps.filter((each) => each > 0 || !isOwn(apiKey))
  const act = async (): Promise<void> => {
    onRolled(await licensing.apiKeys.roll(apiKey.id, { overlapSeconds: overlap }))
    forget(keysName)
  }
  return (
    <Dialog
      title={rollText.title(nameOf(apiKey))}
      lead={rollText.lead}
      action={overlap === 0 ? rollText.doNow : rollText.do(rollText.overlaps[overlap])}
      isDanger={overlap === 0}
      onAct={act}
      onClose={onClose}
    >
      <Field label={rollText.overlap}>
        <select
          value={overlap}
          onChange={({ currentTarget: { value } }) => setOverlap(Number(value) as Overlap)}
        >
          {choices.map((each) => (
            <option key={each} value={each}>
              {rollText.overlaps[each]}
            </option>
          ))}
        </select>
      </Field>
      {overlap === 0 && <Typed text={typedFor(apiKey)} />}
    </Dialog>
  )
}

function Revoke({ apiKey, onClose }: ActProps): JSX.Element {
  const act = async (): Promise<void> => {
    await licensing.apiKeys.revoke(apiKey.id)
    forget(keysName)
    say(revokeText.done(nameOf(apiKey)))
  }
  return (
    <Dialog
      title={revokeText.title(nameOf(apiKey))}
      lead={revokeText.lead}
      action={revokeText.do(typedFor(apiKey))}
      isDanger
      onAct={act}
      onClose={onClose}
    >
      {apiKey.lastUsedAt !== null && (
        <p class="small">
          {revokeText.usedLast} <When at={apiKey.lastUsedAt} />.
        </p>
      )}
      {isOwn(apiKey) && <p class="stale">{revokeText.own}</p>}
      <Typed text={typedFor(apiKey)} />
    </Dialog>
  )
}

/** A secret that an act has made, with its words. */
interface Made {
  readonly secret: HeldSecret
  readonly label: string
  readonly hint: string
  /** The id of a new key. */
  readonly keyId: string | null
}

/** The acts on a key that works. */
export function KeyActs({ apiKey }: { readonly apiKey: ApiKey }): JSX.Element | null {
  const [open, setOpen] = useState<'roll' | 'revoke' | null>(null)
  const [made, setMade] = useState<Made | null>(null)
  const close = (): void => setOpen(null)
  const ask = async (): Promise<void> => {
    try {
      const secret = await invite(apiKey.id)
      setMade({ secret, label: inviteText.label(nameOf(apiKey)), hint: inviteText.hint, keyId: null })
    } catch (error) {
      complain(error)
    }
  }
  const rolled = (key: ApiKeyWithSecret): void =>
    setMade({ secret: heldKey(key), label: rollText.label, hint: rollText.hint, keyId: key.id })
  const works = stateOf(apiKey) === 'working'
  // Links sign nobody in where the host does.
  const mayInvite = session.value.state === 'in' && session.value.signIn === 'key'
  return (
    <>
      {works && (
        <div class="actions">
          {mayInvite && (
            <button type="button" class="primary" onClick={() => void ask()}>
              {inviteText.act}
            </button>
          )}
          <button type="button" onClick={() => setOpen('roll')}>
            {rollText.act}
          </button>
          <button type="button" class="danger" onClick={() => setOpen('revoke')}>
            {revokeText.act}
          </button>
        </div>
      )}
      {made !== null && (
        <>
          <Secret
            key={made.secret.text}
            label={made.label}
            secret={made.secret}
            hint={made.hint}
            onGone={() => setMade(null)}
          />
          {made.keyId !== null && (
            <p>
              <a href={to(['api-keys', made.keyId])}>{create.see}</a>
            </p>
          )}
        </>
      )}
      {open === 'roll' && <Roll apiKey={apiKey} onClose={close} onRolled={rolled} />}
      {open === 'revoke' && <Revoke apiKey={apiKey} onClose={close} />}
    </>
  )
}
