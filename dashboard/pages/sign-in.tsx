import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { messageOf } from '../api.ts'
import { Field } from '../field.tsx'
import { Mark } from '../rings.tsx'
import { go } from '../router.ts'
import { loadSession, session, signInWith, type Person, type Session } from '../session.ts'
import { Title } from '../states.tsx'
import { words } from '../words.ts'

function KeyForm(): JSX.Element {
  const field = useRef<HTMLInputElement>(null)
  const [failure, setFailure] = useState('')
  const [isBusy, setBusy] = useState(false)
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    const key = field.current?.value.trim() ?? ''
    if (key === '') return field.current?.focus()
    setBusy(true)
    setFailure('')
    try {
      await signInWith({ key })
    } catch (error) {
      setFailure(messageOf(error))
      setBusy(false)
      if (field.current !== null) field.current.value = ''
      field.current?.focus()
    }
  }
  return (
    <form class="sign-in-form" onSubmit={(event) => void submit(event)}>
      <Field label={words.signIn.key} hint={words.signIn.keyHint}>
        <input ref={field} type="password" autocomplete="off" spellcheck={false} name="key" />
      </Field>
      <p class="failure" role="alert">
        {failure}
      </p>
      <button type="submit" class="primary" disabled={isBusy}>
        {isBusy ? words.signIn.working : words.signIn.button}
      </button>
      <p class="quiet">{words.signIn.orLink}</p>
      <pre class="command">
        <code>{words.signIn.command}</code>
      </pre>
    </form>
  )
}

export function SignIn({ session }: { readonly session: Session & { readonly state: 'out' } }): JSX.Element {
  return (
    <main class="sign-in">
      <Mark size={44} />
      <Title>{words.signIn.title}</Title>
      {session.hasEnded && <p class="stale">{words.signIn.ended}</p>}
      {session.signIn === 'host' ? (
        <p class="sub">{words.signIn.byHost}</p>
      ) : (
        <>
          <p class="sub">{words.signIn.lead}</p>
          <KeyForm />
        </>
      )}
    </main>
  )
}

function titleOf(failure: string, person: Person | null): string {
  if (person !== null) return words.link.ask
  return failure === '' ? words.link.title : words.link.failed
}

/** Uses the link of an address, which is gone from the address by then. */
export function LinkSignIn({
  link,
  onDone,
}: {
  readonly link: string
  readonly onDone: () => void
}): JSX.Element {
  const [failure, setFailure] = useState('')
  const [person, setPerson] = useState<Person | null>(null)
  const use = (): void => {
    setPerson(null)
    signInWith({ link }).then(onDone, (error: unknown) => setFailure(messageOf(error)))
  }
  useEffect(() => {
    // Otherwise whoever sends a link could sign a person in as somebody else, unseen.
    const ask = async (): Promise<void> => {
      await loadSession()
      const { value } = session
      if (value.state === 'in' && value.signIn === 'key') setPerson(value.person)
      else use()
    }
    void ask()
  }, [link])
  const leave = (): void => {
    go('#/', true)
    onDone()
  }
  return (
    <main class="sign-in">
      <Mark size={44} />
      <Title key={failure + person?.id}>{titleOf(failure, person)}</Title>
      {person !== null && (
        <>
          <p class="sub">{words.link.asked(person.name ?? words.person.unnamed)}</p>
          <div class="actions">
            <button type="button" class="primary" onClick={leave}>
              {words.link.stay}
            </button>
            <button type="button" onClick={use}>
              {words.link.use}
            </button>
          </div>
        </>
      )}
      {failure !== '' && (
        <>
          <p class="sub">{failure}</p>
          <button type="button" onClick={leave}>
            {words.link.other}
          </button>
        </>
      )}
    </main>
  )
}
