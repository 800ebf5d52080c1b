import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { adopt } from '../adopt.ts'
import { licensing, messageOf } from '../api.ts'
import { appWords as text } from '../app-words.ts'
import { AsCode } from '../as-code.tsx'
import { forget } from '../data.ts'
import { DescriptionField, SlugField, TextField, useNaming } from '../form.tsx'
import { names } from '../known.ts'
import { ProgressLine } from '../progress.tsx'
import { Lack } from '../lack.tsx'
import { go, to } from '../router.ts'
import { may, seesAll, session } from '../session.ts'
import { Title } from '../states.tsx'
import css from '../style/manage.css' with { type: 'text' }
import { say } from '../toasts.tsx'

adopt(css)

function NewAppForm(): JSX.Element {
  const { name, setName, slug, setSlug } = useNaming('-')
  const [description, setDescription] = useState('')
  const [failure, setFailure] = useState('')
  const [isBusy, setBusy] = useState(false)
  const create = async (event: Event): Promise<void> => {
    event.preventDefault()
    setBusy(true)
    try {
      const app = { name, slug, description: description.trim() || null }
      await licensing.withOptions({ timeoutMs: 120_000 }).apps.create(app)
      forget(names.apps)
      say(text.created(name))
      go(to(['apps', slug, 'tiers']))
    } catch (error) {
      setFailure(messageOf(error))
      setBusy(false)
    }
  }
  return (
    <form class="sheet" onSubmit={(event) => void create(event)}>
      <TextField label={text.name} value={name} onValue={setName} />
      <SlugField
        label={text.slug}
        value={slug}
        onValue={setSlug}
        hint={text.slugHint}
        rule={text.slugRule}
        between="-"
      />
      <DescriptionField label={text.description} value={description} onValue={setDescription} />
      <p class="failure" role="alert">
        {failure}
      </p>
      {isBusy && <ProgressLine label={text.creating} />}
      <div class="actions">
        <button type="submit" class="primary" disabled={isBusy}>
          {text.create(name)}
        </button>
      </div>
    </form>
  )
}

export function NewAppPage(): JSX.Element {
  const mode = session.value.state === 'in' ? session.value.person.mode : 'live'
  return (
    <article class="manage">
      <header class="lead">
        <Title>{text.newTitle}</Title>
        <p class="sub">{text.newLead}</p>
        {may('catalogue:write') && seesAll() && <p class="sub small">{text.mode[mode]}</p>}
      </header>
      {may('catalogue:write') && seesAll() ? <NewAppForm /> : <Lack>{text.mayNotCreate}</Lack>}
      <AsCode
        code={{
          call: 'POST /apps',
          body: { name: 'My App', slug: 'my-app' },
          typescript: "await licensing.apps.create({ name: 'My App', slug: 'my-app' })",
          cli: `apps create my-app --name "My App"${mode === 'test' ? ' --mode test' : ''}`,
        }}
      />
    </article>
  )
}
