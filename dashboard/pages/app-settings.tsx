import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { App, AppChanges } from '../../src/core/index.ts'
import { adopt } from '../adopt.ts'
import { licensing, messageOf } from '../api.ts'
import { appWords as text } from '../app-words.ts'
import { AsCode } from '../as-code.tsx'
import { forget, useKnown } from '../data.ts'
import { Dialog } from '../dialog.tsx'
import { DescriptionField, TextField } from '../form.tsx'
import { names, useApp } from '../known.ts'
import { Lack } from '../lack.tsx'
import { go, to } from '../router.ts'
import { may } from '../session.ts'
import { Shown, Title } from '../states.tsx'
import { pageWords } from '../page-words.ts'
import css from '../style/manage.css' with { type: 'text' }
import { say } from '../toasts.tsx'
import { Typed } from '../typed.tsx'

adopt(css)

async function update(slug: string, changes: AppChanges): Promise<void> {
  await licensing.apps.update(slug, changes)
  forget(names.app(slug))
  forget(names.apps)
}

function SettingsForm({ app }: { readonly app: App }): JSX.Element {
  const { slug, mode } = app
  const [name, setName] = useState(app.name)
  const [description, setDescription] = useState(app.description ?? '')
  const [prefix, setPrefix] = useState(app.keyPrefix ?? '')
  const [failure, setFailure] = useState('')
  const ofPrefix = (keyPrefix: string | null): AppChanges => (mode === 'test' ? {} : { keyPrefix })
  const save = async (event: Event): Promise<void> => {
    event.preventDefault()
    setFailure('')
    try {
      await update(slug, { name, description: description.trim() || null, ...ofPrefix(prefix || null) })
      const { name: before, description: said, keyPrefix } = app
      say(text.saved, () => update(slug, { name: before, description: said, ...ofPrefix(keyPrefix) }))
    } catch (error) {
      setFailure(messageOf(error))
    }
  }
  return (
    <form class="sheet" onSubmit={(event) => void save(event)}>
      <TextField label={text.name} value={name} onValue={setName} />
      <DescriptionField label={text.description} value={description} onValue={setDescription} />
      {mode === 'test' ? (
        <p class="note">{text.prefixTest}</p>
      ) : (
        <TextField
          label={text.prefix}
          value={prefix}
          onValue={setPrefix}
          hint={text.prefixHint}
          pattern="(?!TEST$)[A-Z0-9]{2,8}"
          rule={text.prefixRule}
          most={8}
          isOptional
        />
      )}
      <p class="failure" role="alert">
        {failure}
      </p>
      <div class="actions">
        <button type="submit" class="primary">
          {text.save}
        </button>
      </div>
    </form>
  )
}

/** Numbers of what an app holds. */
interface Holdings {
  readonly licenses: number
  readonly customers: number
}

function useHoldings(app: string): Holdings | undefined {
  return useKnown(`${names.licenses(app)} holdings`, async (signal) => {
    const { licenses, customers } = licensing.withOptions({ signal })
    const [held, people] = await Promise.all([
      may('licenses:read') ? licenses.list(app, { perPage: 1 }) : { total: 0 },
      may('customers:read') ? customers.list(app, { perPage: 1 }) : { total: 0 },
    ])
    return { licenses: held.total ?? 0, customers: people.total ?? 0 }
  }).value.value
}

/** Deletes the app with all that it holds. No act brings it back, so its slug is typed. */
function Deletion({ app: { slug, name } }: { readonly app: App }): JSX.Element {
  const [isOpen, setOpen] = useState(false)
  const { licenses = 0, customers = 0 } = useHoldings(slug) ?? {}
  const act = async (): Promise<void> => {
    await licensing.withOptions({ timeoutMs: 120_000 }).apps.delete(slug)
    go(to([]), true)
    forget(names.apps)
    say(text.deleted(name))
  }
  return (
    <section aria-labelledby="delete" class="section">
      <h2 id="delete">{text.delete}</h2>
      <p class="sub small">
        {text.holds(licenses, customers)} {text.deleteLead}
      </p>
      {may('catalogue:write') && may('delete') ? (
        <div class="actions">
          <button type="button" class="danger" onClick={() => setOpen(true)}>
            {text.deleteOpen}
          </button>
        </div>
      ) : (
        <Lack>{text.mayNotDelete}</Lack>
      )}
      {isOpen && (
        <Dialog
          title={text.delete}
          lead={`${text.holds(licenses, customers)} ${text.deleteLead}`}
          action={text.deleteNow(licenses)}
          isDanger
          onAct={act}
          onClose={() => setOpen(false)}
        >
          <Typed text={slug} />
        </Dialog>
      )}
    </section>
  )
}

export function AppSettings({ app = '' }: { readonly app?: string }): JSX.Element {
  const known = useApp(app)
  return (
    <Shown known={known.value} name={names.app(app)}>
      {(value) => (
        <article class="manage">
          <nav class="crumbs" aria-label={pageWords.customer.where}>
            <a href={to(['apps', app])}>{value.name}</a>
          </nav>
          <header class="lead">
            <Title>{text.title(value.name)}</Title>
            <p class="sub">{text.lead}</p>
          </header>
          {may('catalogue:write') ? (
            <SettingsForm key={value.updatedAt} app={value} />
          ) : (
            <Lack>{text.readOnly}</Lack>
          )}
          <Deletion app={value} />
          <AsCode
            code={{
              call: `PUT /apps/${value.slug}`,
              body: { name: value.name },
              typescript: `await licensing.apps.update('${value.slug}', { name: ${JSON.stringify(value.name)} })`,
            }}
          />
        </article>
      )}
    </Shown>
  )
}
