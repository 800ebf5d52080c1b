import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { ApiKey, NewApiKey } from '../../src/core/index.ts'
import { presets, scopeMeanings, type Preset, type Scope } from '../../src/core/scopes.ts'
import { licensing, messageOf } from '../api.ts'
import { AsCode, type Code } from '../as-code.tsx'
import { forget } from '../data.ts'
import { Field } from '../field.tsx'
import { givenScopes, mayGive, mayManageKeys, presetNames } from '../api-key-rights.ts'
import { keyWords } from '../api-key-words.ts'
import { heldKey, invite, keysName, nameOf } from '../api-keys.ts'
import { useApps } from '../known.ts'
import { to } from '../router.ts'
import { Secret, type HeldSecret } from '../secret.tsx'
import { person, session } from '../session.ts'
import { Title } from '../states.tsx'
import { days, fromField, now, toField } from '../times.ts'
import { complain } from '../toasts.tsx'
import { words } from '../words.ts'

const text = keyWords.create

type Rights = Preset | 'everything' | 'own'

/** The form as it stands. */
interface Draft {
  readonly name: string
  readonly isPerson: boolean
  readonly rights: Rights
  readonly scopes: readonly Scope[]
  /** A slug, or a mode with a colon before it. */
  readonly reach: string
  /** The text of a date field. */
  readonly end: string
}

type Change = (change: Partial<Draft>) => void

interface PartProps {
  readonly draft: Draft
  readonly change: Change
}

function firstDraft(canInvite: boolean): Draft {
  const rights = presetNames.find((name) => mayGive(presets[name].scopes)) ?? 'own'
  const reach = `:${person()?.mode ?? 'live'}`
  return { name: '', isPerson: canInvite, rights, scopes: [], reach, end: '' }
}

function rightsOf({ rights, scopes }: Draft): Pick<NewApiKey, 'preset' | 'scopes' | 'type'> {
  if (rights === 'everything') return {}
  return rights === 'own' ? { scopes } : { preset: rights }
}

/** The key that the form asks for. */
function keyOf(draft: Draft): NewApiKey {
  const { name, reach, end } = draft
  const isMode = reach === ':live' || reach === ':test'
  return {
    ...(name.trim() !== '' && { name: name.trim() }),
    ...rightsOf(draft),
    ...(isMode ? { mode: reach === ':test' ? 'test' : 'live' } : { app: reach }),
    ...(end !== '' && { expiresAt: fromField(end) }),
  }
}

function countOf({ rights, scopes }: Draft): string {
  if (rights === 'everything') return text.allRights
  return keyWords.rights(rights === 'own' ? scopes.length : presets[rights].scopes.length)
}

interface ChoiceProps {
  /** The name of the choices of which one is right; absent for a choice of its own. */
  readonly group?: string
  readonly label: string
  readonly hint?: string
  readonly isChosen: boolean
  readonly onChoose: () => void
}

function Choice({ group, label, hint, isChosen, onChoose }: ChoiceProps): JSX.Element {
  return (
    <label class="choice">
      <input
        type={group === undefined ? 'checkbox' : 'radio'}
        name={group}
        checked={isChosen}
        onChange={onChoose}
      />
      <span>
        {label}
        {hint !== undefined && <small>{hint}</small>}
      </span>
    </label>
  )
}

function RightsPart({ draft, change }: PartProps): JSX.Element {
  const { rights, scopes } = draft
  const offered = presetNames.filter((name) => mayGive(presets[name].scopes))
  const isLimited = !mayGive(null)
  const choice = (name: Rights, label: string, hint: string): JSX.Element => (
    <Choice
      key={name}
      group="rights"
      label={label}
      hint={hint}
      isChosen={rights === name}
      onChoose={() => change({ rights: name })}
    />
  )
  const toggle = (scope: Scope): void =>
    change({ scopes: scopes.includes(scope) ? scopes.filter((each) => each !== scope) : [...scopes, scope] })
  return (
    <fieldset>
      <legend>{text.what}</legend>
      {offered.map((name) => choice(name, keyWords.presets[name], text.describe[name]))}
      {choice('own', text.own, text.ownLead)}
      {!isLimited && choice('everything', keyWords.everything, text.everything)}
      {isLimited && <p class="quiet">{text.limited}</p>}
      {rights === 'own' && (
        <fieldset class="scopes">
          <legend class="unseen">{text.choose}</legend>
          {givenScopes().map((scope) => (
            <Choice
              key={scope}
              label={scope}
              hint={scopeMeanings[scope]}
              isChosen={scopes.includes(scope)}
              onChoose={() => toggle(scope)}
            />
          ))}
        </fieldset>
      )}
    </fieldset>
  )
}

function PlacePart({ draft, change }: PartProps): JSX.Element {
  const apps = useApps().value.value ?? []
  const modes = person()?.mode === 'test' ? ['test'] : ['live', 'test']
  return (
    <>
      <Field label={text.where}>
        <select value={draft.reach} onChange={(event) => change({ reach: event.currentTarget.value })}>
          {modes.map((mode) => (
            <option key={mode} value={`:${mode}`}>
              {keyWords.everyApp(mode)}
            </option>
          ))}
          {apps.map(({ slug, name }) => (
            <option key={slug} value={slug}>
              {name}
            </option>
          ))}
        </select>
      </Field>
      <Field label={text.ends} hint={text.endsHint}>
        <input
          type="date"
          min={toField(now() + days(1))}
          value={draft.end}
          onInput={(event) => change({ end: event.currentTarget.value })}
        />
      </Field>
    </>
  )
}

/** A key that was made, with its text or the link for its person. */
interface Ready {
  readonly apiKey: ApiKey
  readonly isPerson: boolean
  readonly secret: HeldSecret | null
}

async function make(draft: Draft): Promise<Ready> {
  const made = await licensing.apiKeys.create(keyOf(draft))
  forget(keysName)
  const { secret: _secret, ...apiKey } = made
  if (!draft.isPerson) return { apiKey, isPerson: false, secret: heldKey(made) }
  // The key is there, so a second try of the form would make another.
  const secret = await invite(made.id).catch((error: unknown) => {
    complain(error)
    return null
  })
  return { apiKey, isPerson: true, secret }
}

function Done({
  ready,
  onGone,
  onAgain,
}: {
  ready: Ready
  onGone: () => void
  onAgain: () => void
}): JSX.Element {
  const { apiKey, isPerson, secret } = ready
  return (
    <>
      <header class="lead">
        <Title>{text.made(nameOf(apiKey))}</Title>
        <p class="sub">{isPerson ? text.invitedLead : text.madeLead}</p>
      </header>
      {secret !== null && (
        <Secret
          label={isPerson ? keyWords.invite.label(nameOf(apiKey)) : text.keyLabel}
          secret={secret}
          hint={isPerson ? keyWords.invite.hint : keyWords.roll.hint}
          onGone={onGone}
        />
      )}
      <div class="actions">
        <a class="button" href={to(['api-keys', apiKey.id])}>
          {text.see}
        </a>
        <button type="button" onClick={onAgain}>
          {text.another}
        </button>
      </div>
    </>
  )
}

/** The call of the form as it stands. */
function codeOf(draft: Draft): Code {
  const { name = '', preset, scopes, app, mode, expiresAt } = keyOf(draft)
  const end = typeof expiresAt === 'number' ? new Date(expiresAt * 1000).toISOString() : undefined
  const flags = [
    name !== '' && `--name '${name?.replaceAll("'", "'\\''")}'`,
    preset !== undefined && `--preset ${preset}`,
    ...(scopes ?? []).map((scope) => `--scope ${scope}`),
    app ? `--app ${app}` : mode === 'test' && '--mode test',
    end !== undefined && `--expires ${end}`,
  ]
  return {
    call: 'POST /api-keys',
    body: { ...(name !== '' && { name }), preset, scopes, app, mode, expires_at: end },
    typescript: `await licensing.apiKeys.create(${JSON.stringify(keyOf(draft))})`,
    cli: ['keys create', ...flags.filter((flag) => flag !== false)].join(' '),
  }
}

function Form({ onReady }: { readonly onReady: (ready: Ready) => void }): JSX.Element {
  const canInvite = session.value.state === 'in' && session.value.signIn === 'key'
  const [draft, setDraft] = useState(() => firstDraft(canInvite))
  const [failure, setFailure] = useState('')
  const [isBusy, setBusy] = useState(false)
  const change: Change = (next) => setDraft({ ...draft, ...next })
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (draft.rights === 'own' && draft.scopes.length === 0) return setFailure(text.nothing)
    setBusy(true)
    setFailure('')
    try {
      onReady(await make(draft))
    } catch (error) {
      setFailure(messageOf(error))
      setBusy(false)
    }
  }
  return (
    <>
      <header class="lead">
        <Title>{text.title}</Title>
        <p class="sub">{text.lead}</p>
      </header>
      <form class="key-form" onSubmit={(event) => void submit(event)}>
        <Field label={text.name} hint={text.nameHint}>
          <input
            value={draft.name}
            required
            maxLength={255}
            autocomplete="off"
            onInput={(event) => change({ name: event.currentTarget.value })}
          />
        </Field>
        {canInvite && (
          <fieldset>
            <legend>{text.for}</legend>
            <Choice
              group="for"
              label={text.person}
              isChosen={draft.isPerson}
              onChoose={() => change({ isPerson: true })}
            />
            <Choice
              group="for"
              label={text.program}
              isChosen={!draft.isPerson}
              onChoose={() => change({ isPerson: false })}
            />
          </fieldset>
        )}
        <RightsPart draft={draft} change={change} />
        <PlacePart draft={draft} change={change} />
        <p class="failure" role="alert">
          {failure}
        </p>
        <div class="actions">
          <button type="submit" class="primary" disabled={isBusy}>
            {draft.isPerson ? text.invite(countOf(draft)) : text.create(countOf(draft))}
          </button>
          <a class="button" href={to(['api-keys'])}>
            {words.acts.cancel}
          </a>
        </div>
      </form>
      <AsCode code={codeOf(draft)} />
    </>
  )
}

export function NewKey(): JSX.Element {
  const [ready, setReady] = useState<Ready | null>(null)
  if (!mayManageKeys())
    return (
      <div class="lead">
        <Title>{text.title}</Title>
        <p class="sub small">{keyWords.mayNot}</p>
      </div>
    )
  return (
    <article>
      <nav class="crumbs" aria-label={keyWords.where}>
        <a href={to(['api-keys'])}>{keyWords.title}</a>
      </nav>
      {ready === null ? (
        <Form onReady={setReady} />
      ) : (
        <Done
          ready={ready}
          onGone={() => setReady({ ...ready, secret: null })}
          onAgain={() => setReady(null)}
        />
      )}
    </article>
  )
}
