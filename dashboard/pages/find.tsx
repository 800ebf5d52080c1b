import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { AsCode } from '../as-code.tsx'
import { useApps, names } from '../known.ts'
import { to } from '../router.ts'
import { isSearching, search, searchFailure } from '../search.ts'
import { session } from '../session.ts'
import { Shown, Title } from '../states.tsx'
import { words } from '../words.ts'

function FindForm(): JSX.Element {
  const field = useRef<HTMLTextAreaElement>(null)
  const isBusy = isSearching.value
  const submit = (event?: Event): void => {
    event?.preventDefault()
    const text = field.current?.value ?? ''
    // A secret must not stay on the screen.
    if (field.current !== null) field.current.value = ''
    void search(text)
  }
  return (
    <form class="find-form" onSubmit={submit}>
      <textarea
        ref={field}
        rows={2}
        aria-label={words.find.label}
        placeholder={words.find.placeholder}
        autocomplete="off"
        spellcheck={false}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
          event.preventDefault()
          submit()
        }}
      />
      <button type="submit" class="primary" disabled={isBusy}>
        {isBusy ? words.find.working : words.find.button}
      </button>
    </form>
  )
}

export function Find(): JSX.Element {
  const apps = useApps()
  const person = session.value.state === 'in' ? session.value.person : null
  return (
    <article class="find-page">
      <header class="lead">
        <Title>{words.find.title}</Title>
        <p class="sub">{words.find.lead}</p>
      </header>
      <FindForm />
      <p class="failure" role="alert">
        {searchFailure.value}
      </p>
      <section aria-labelledby="apps">
        <h2 id="apps">{words.find.apps}</h2>
        <Shown known={apps.value} name={names.apps}>
          {(list) =>
            list.length === 0 ? (
              <>
                <p class="sub small">{words.find.noApps}</p>
                <AsCode
                  code={{
                    call: 'POST /apps',
                    body: { name: 'My App', slug: 'my-app' },
                    typescript: "await licensing.apps.create({ name: 'My App', slug: 'my-app' })",
                    cli: `apps create my-app --name "My App"${person?.mode === 'test' ? ' --mode test' : ''}`,
                  }}
                />
              </>
            ) : (
              <ul class="apps">
                {list.map(({ slug, name, description }) => (
                  <li key={slug}>
                    <a href={to(['apps', slug])}>
                      <strong>{name}</strong> <code>{slug}</code>
                      {description !== null && <span class="quiet">{description}</span>}
                    </a>
                  </li>
                ))}
              </ul>
            )
          }
        </Shown>
      </section>
    </article>
  )
}
