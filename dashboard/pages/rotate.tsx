import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { adopt } from '../adopt.ts'
import { licensing, messageOf } from '../api.ts'
import { AsCode, type Code } from '../as-code.tsx'
import { forget } from '../data.ts'
import { keysWords } from '../keys-words.ts'
import { names, useApp } from '../known.ts'
import { ProgressLine } from '../progress.tsx'
import { Lack } from '../lack.tsx'
import { go, to } from '../router.ts'
import { may } from '../session.ts'
import { forecastName, keysName, lateOf, spans, useForecast, useRecovery } from '../signing.ts'
import { Shown, Title } from '../states.tsx'
import css from '../style/manage.css' with { type: 'text' }
import { say } from '../toasts.tsx'
import { Typed } from '../typed.tsx'
import { words } from '../words.ts'
import { AfterLeak } from './after-leak.tsx'
import { ForecastOf, Shows, type Trust } from './forecast.tsx'

adopt(css)

const text = keysWords.rotation
const trusts = ['statements', 'builtIn', 'unknown'] as const

/** The answers to the three questions. */
interface Answers {
  readonly isLeak: boolean
  readonly graceDays: number
  readonly trust: Trust
}

type Change = (answers: Partial<Answers>) => void

function Radio({
  name,
  label,
  hint,
  isChosen,
  onChoose,
}: {
  readonly name: string
  readonly label: string
  readonly hint?: string
  readonly isChosen: boolean
  readonly onChoose: () => void
}): JSX.Element {
  return (
    <label class="radio">
      <input type="radio" name={name} checked={isChosen} onChange={onChoose} />
      <span>
        {label}
        {hint !== undefined && <small>{hint}</small>}
      </span>
    </label>
  )
}

function Questions({ answers, onChange }: { answers: Answers; onChange: Change }): JSX.Element {
  const { isLeak, graceDays, trust } = answers
  return (
    <>
      <fieldset class="question">
        <legend>{text.why}</legend>
        <Radio
          name="why"
          label={text.routine}
          hint={text.routineHint}
          isChosen={!isLeak}
          onChoose={() => onChange({ isLeak: false, graceDays: 30 })}
        />
        <Radio
          name="why"
          label={text.leak}
          hint={text.leakHint}
          isChosen={isLeak}
          onChoose={() => onChange({ isLeak: true, graceDays: 0 })}
        />
      </fieldset>
      <fieldset class="question">
        <legend>{text.grace}</legend>
        {isLeak ? (
          <p class="quiet">{text.graceLeak}</p>
        ) : (
          <div class="spans">
            {[0, ...spans].map((days) => (
              <Radio
                key={days}
                name="grace"
                label={days === 0 ? text.none : text.days(days)}
                isChosen={graceDays === days}
                onChoose={() => onChange({ graceDays: days })}
              />
            ))}
          </div>
        )}
      </fieldset>
      <fieldset class="question">
        <legend>{text.trust}</legend>
        {trusts.map((each) => (
          <Radio
            key={each}
            name="trust"
            label={text[each]}
            isChosen={trust === each}
            onChoose={() => onChange({ trust: each })}
          />
        ))}
      </fieldset>
    </>
  )
}

/** 128 random bits. `crypto.randomUUID` is missing in pages over plain http. */
function newKey(): string {
  return crypto.getRandomValues(new BigUint64Array(2)).join('-')
}

interface ConfirmProps extends Omit<Answers, 'trust'> {
  readonly app: string
  readonly late: number
}

/** Rotates once, however often somebody clicks: the key of the form belongs to these answers. */
function Confirm({ app, isLeak, graceDays, late }: ConfirmProps): JSX.Element {
  const [failure, setFailure] = useState('')
  const [isBusy, setBusy] = useState(false)
  const idempotencyKey = useMemo(newKey, [isLeak, graceDays])
  const rotate = async (event: Event): Promise<void> => {
    event.preventDefault()
    setBusy(true)
    try {
      const rotation = isLeak ? { compromised: true } : { gracePeriodDays: graceDays }
      const { licensesResigned } = await licensing
        .withOptions({ idempotencyKey, timeoutMs: 120_000 })
        .rotateKeys(app, rotation)
      for (const name of [keysName(app), names.app(app), names.licenses(app)]) forget(name)
      say(text.done(licensesResigned))
      go(to(['apps', app, 'signing-keys'], isLeak ? { after: 'leak' } : {}), true)
    } catch (error) {
      setFailure(messageOf(error))
      setBusy(false)
    }
  }
  return (
    <form class="confirm" onSubmit={(event) => void rotate(event)}>
      <Typed text={app} />
      <p class="failure" role="alert">
        {failure}
      </p>
      {isBusy && <ProgressLine label={text.working} />}
      <div class="actions">
        <button type="submit" class="primary bad" disabled={isBusy}>
          {text.button(late)}
        </button>
        <a class="button" href={to(['apps', app, 'signing-keys'])}>
          {words.acts.cancel}
        </a>
      </div>
      <p class="note">{text.once}</p>
    </form>
  )
}

/** A key that leaked can be revoked by recovery keys alone, and they never travel to a server. */
function Recover({ app }: { readonly app: string }): JSX.Element {
  return (
    <>
      <p class="sub small">{text.recovery}</p>
      <pre class="command" tabIndex={0} role="region" aria-label={text.leak}>
        <code>{text.recoverCommand(app)}</code>
      </pre>
    </>
  )
}

function codeOf(app: string, { isLeak, graceDays }: Answers): Code {
  if (isLeak)
    return {
      call: `POST /apps/${app}/rotate-keys`,
      body: { compromised: true },
      typescript: `await licensing.rotateKeys('${app}', { compromised: true })`,
      cli: `apps rotate-keys ${app} --compromised`,
    }
  return {
    call: `POST /apps/${app}/rotate-keys`,
    body: { grace_period_days: graceDays },
    typescript: `await licensing.rotateKeys('${app}', { gracePeriodDays: ${graceDays} })`,
    cli: `apps rotate-keys ${app} --grace-period-days ${graceDays}`,
  }
}

function Assistant({ app }: { readonly app: string }): JSX.Element {
  const [answers, setAnswers] = useState<Answers>({ isLeak: false, graceDays: 30, trust: 'statements' })
  const { isLeak, graceDays, trust } = answers
  const forecast = useForecast(app)
  const recovery = useRecovery(app).value.value
  return (
    <>
      <div class="assistant">
        <div>
          <Questions answers={answers} onChange={(change) => setAnswers({ ...answers, ...change })} />
        </div>
        <Shows trust={trust} graceDays={graceDays} isLeak={isLeak} />
        <div>
          <Shown known={forecast.value} name={forecastName(app)}>
            {(value) => (
              <>
                <ForecastOf app={app} graceDays={graceDays} forecast={value} />
                {isLeak && recovery ? (
                  <Recover app={app} />
                ) : (
                  <Confirm app={app} isLeak={isLeak} graceDays={graceDays} late={lateOf(value, graceDays)} />
                )}
                {isLeak && <AfterLeak app={app} />}
              </>
            )}
          </Shown>
        </div>
      </div>
      <AsCode code={codeOf(app, answers)} />
    </>
  )
}

export function Rotate({ app = '' }: { readonly app?: string }): JSX.Element {
  const known = useApp(app)
  return (
    <Shown known={known.value} name={names.app(app)}>
      {({ slug }) => (
        <article class="manage">
          <nav class="crumbs" aria-label={text.back}>
            <a href={to(['apps', slug, 'signing-keys'])}>{text.back}</a>
          </nav>
          <header class="lead">
            <Title>{text.title}</Title>
            <p class="sub">{text.lead}</p>
          </header>
          {may('apps:rotate') ? <Assistant app={slug} /> : <Lack>{keysWords.noRotate}</Lack>}
        </article>
      )}
    </Shown>
  )
}
