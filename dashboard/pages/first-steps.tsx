import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { adopt } from '../adopt.ts'
import { licensing } from '../api.ts'
import type { Form } from '../as-code.tsx'
import { copy } from '../clipboard.ts'
import { askAgain, forget, useKnown } from '../data.ts'
import { Icon } from '../icons.tsx'
import { names } from '../known.ts'
import { logWords } from '../log-words.ts'
import { outcomesOf } from '../outcomes.ts'
import { to } from '../router.ts'
import { may } from '../session.ts'
import { Shown, Title } from '../states.tsx'
import { days, now } from '../times.ts'
import css from '../style/steps.css' with { type: 'text' }
import { say } from '../toasts.tsx'
import { words } from '../words.ts'
import { isDone, stepNames, textsOf, type Made, type StepName } from './first-steps-code.ts'

adopt(css)

const text = logWords.steps
const forms: readonly Form[] = ['curl', 'typescript', 'cli']

const nothing: Made = { app: null, tier: null, license: null, isChecked: false, isRenewed: false }
/** The most days that statistics tell of at once. */
const longest = 390

/** Looks at what is on the server. `given` is the slug of an app; without it, the newest app counts. */
async function look(given: string | undefined, signal: AbortSignal): Promise<Made> {
  const { apps, tiers, licenses, stats } = licensing.withOptions({ signal })
  const app = given ?? (await apps.list({ perPage: 1 })).data[0]?.slug
  if (app === undefined) return nothing
  const [{ data: tierList }, { data: licenseList }, counted] = await Promise.all([
    tiers.list(app, { perPage: 1 }),
    licenses.list(app, { perPage: 1 }),
    stats(app, { from: now() - days(longest), step: 'day' }),
  ])
  const [license] = licenseList
  const outcomes = outcomesOf(counted)
  return {
    app,
    tier: tierList[0]?.slug ?? null,
    license: license === undefined ? null : { id: license.id, installationId: license.installationId },
    isChecked: outcomes.some(({ act }) => act === 'verify'),
    isRenewed: Boolean(license?.seenAt) || outcomes.some(({ act, code }) => act === 'renew' && code === 'ok'),
  }
}

const pause = 5_000
/** A page that asks for ever would keep its session for ever. */
const mostPauses = 180

/** Looks again and again, until all is done or a quarter of an hour is over. */
function useLooks(name: string, isOver: boolean): void {
  useEffect(() => {
    if (isOver) return undefined
    let left = mostPauses
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') askAgain(name)
      if (--left === 0) clearInterval(timer)
    }, pause)
    return () => clearInterval(timer)
  }, [name, isOver])
}

/** Says each step that was done while somebody looked. */
function useNews(made: Made | undefined): void {
  const last = useRef<Made | undefined>(undefined)
  useEffect(() => {
    const before = last.current
    last.current = made
    if (before === undefined || made === undefined) return
    for (const step of stepNames) if (isDone(step, made) && !isDone(step, before)) say(text.reached[step])
    // The rail shows the new app.
    if (made.app !== before.app) forget(names.apps)
  }, [made])
}

function Code({ step, made, form }: { step: StepName; made: Made; form: Form }): JSX.Element {
  const [copied, setCopied] = useState('')
  const code = textsOf(step, made)[form]
  if (code === undefined) return <p class="quiet">{text.noCommand}</p>
  return (
    <div class="code">
      <pre tabIndex={0} role="region" aria-label={`${text[step][0]}: ${words.code[form]}`}>
        <code>{code}</code>
      </pre>
      <button
        type="button"
        onClick={() => void copy(code).then((isCopied) => setCopied(isCopied ? code : ''))}
      >
        <Icon name={copied === code ? 'check' : 'copy'} />{' '}
        {copied === code ? words.code.copied : words.code.copy}
      </button>
    </div>
  )
}

function Forms({ form, onChoose }: { form: Form; onChoose: (form: Form) => void }): JSX.Element {
  return (
    <div class="tabs" role="group" aria-label={text.forms}>
      {forms.map((each) => (
        <button key={each} type="button" aria-pressed={each === form} onClick={() => onChoose(each)}>
          {words.code[each]}
        </button>
      ))}
    </div>
  )
}

interface StepProps {
  readonly step: StepName
  readonly made: Made
  readonly form: Form
  readonly isNext: boolean
  /** True if its call is shown. */
  readonly isOpen: boolean
}

function Step({ step, made, form, isNext, isOpen }: StepProps): JSX.Element {
  const [title, lead] = text[step]
  const done = isDone(step, made)
  return (
    <li data-done={done} aria-current={isNext ? 'step' : undefined}>
      <h2>
        {title}
        {done && <span class="unseen">{text.isDone}</span>}
      </h2>
      {!done && <p class="quiet">{lead}</p>}
      {isOpen && <Code step={step} made={made} form={form} />}
    </li>
  )
}

/** Five steps that tick themselves, from an app to the first renewal. */
export function FirstSteps({ app }: { readonly app?: string }): JSX.Element {
  const name = `first steps ${app ?? ''}`
  const known = useKnown(name, (signal) => look(app, signal))
  const [form, setForm] = useState<Form>('curl')
  const made = known.value.value
  const next = made && stepNames.find((step) => !isDone(step, made))
  useLooks(name, made !== undefined && next === undefined)
  useNews(made)
  return (
    <Shown known={known.value} name={name}>
      {(value) => (
        <>
          {next === undefined ? (
            <p class="sentence">
              {text.ready} {value.app !== null && <a href={to(['apps', value.app])}>{text.open}</a>}
            </p>
          ) : (
            <>
              <Forms form={form} onChoose={setForm} />
              <p class="quiet">{may('catalogue:write') && may('licenses:write') ? text.key : text.mayNot}</p>
            </>
          )}
          <ol class="steps">
            {stepNames.map((step) => (
              <Step
                key={step}
                step={step}
                made={value}
                form={form}
                isNext={step === next}
                isOpen={step === next || (step === 'renewal' && next === 'check')}
              />
            ))}
          </ol>
        </>
      )}
    </Shown>
  )
}

/** The page of a server on which nothing is yet. */
export function FirstStepsPage(): JSX.Element {
  return (
    <article>
      <header class="lead">
        <Title>{text.title}</Title>
        <p class="sub">{text.lead}</p>
      </header>
      <FirstSteps />
    </article>
  )
}
