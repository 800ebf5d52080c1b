import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { messageOf } from '../api.ts'
import { Field } from '../field.tsx'
import { Mark } from '../rings.tsx'
import { go } from '../router.ts'
import { signInWith, type Session } from '../session.ts'
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

/** Uses the link of an address, which is gone from the address by then. */
export function LinkSignIn({
  link,
  onDone,
}: {
  readonly link: string
  readonly onDone: () => void
}): JSX.Element {
  const [failure, setFailure] = useState('')
  useEffect(() => {
    signInWith({ link }).then(onDone, (error: unknown) => setFailure(messageOf(error)))
  }, [link])
  const leave = (): void => {
    go('#/', true)
    onDone()
  }
  return (
    <main class="sign-in">
      <Mark size={44} />
      <Title key={failure}>{failure === '' ? words.link.title : words.link.failed}</Title>
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
