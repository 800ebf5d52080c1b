import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Diagnosis, DiagnosisCandidate } from '../../src/core/index.ts'
import { licensing } from '../api.ts'
import { adopt } from '../adopt.ts'
import { AsCode } from '../as-code.tsx'
import { askWhy, leadTo, masked, question } from '../asked.ts'
import { useKnown } from '../data.ts'
import { names, useCustomer, useLicense, useTiers } from '../known.ts'
import { PasteForm } from '../paste-form.tsx'
import { read } from '../reading.ts'
import { to } from '../router.ts'
import { may } from '../session.ts'
import { Shown, Title } from '../states.tsx'
import { ago } from '../times.ts'
import { whyWords as text } from '../why-words.ts'
import { words } from '../words.ts'
import { Handout } from './handout.tsx'
import { Ladder } from './why-ladder.tsx'
import { ProgramPanel } from './why-program.tsx'
import css from '../style/why.css' with { type: 'text' }

adopt(css)

function AskForm(): JSX.Element {
  const [failure, setFailure] = useState('')
  const ask = (given: string): void => {
    const { kind } = read(given)
    // A secret of the vendor goes nowhere.
    setFailure(kind === 'secret' ? words.find.secret : '')
    if (kind !== 'secret' && kind !== 'nothing') askWhy(given)
  }
  return (
    <article>
      <header class="lead">
        <Title>{text.eyebrow}</Title>
        <p class="sub">{text.askLead}</p>
      </header>
      <PasteForm rows={4} button={text.ask} onPaste={ask} />
      <p class="failure" role="alert">
        {failure}
      </p>
    </article>
  )
}

/** One sentence: the reason of the refusal, or that there is none. */
function verdictOf({ checks, cause, candidates }: Diagnosis): string {
  if (candidates.length > 0) return text.choose(candidates.length)
  if (cause === null) return checks.some(({ facts }) => 'warning' in facts) ? text.goodBut : text.good
  const { facts = {} } = checks.find(({ state }) => state === 'failed') ?? {}
  const verdict = text.verdicts[cause]
  const when = facts['revokedAt'] ?? facts['expiresAt'] ?? facts['retiredAt']
  if (typeof verdict === 'string') return verdict
  // Version 0.1.0 kept no time of some acts.
  return verdict({ ago: typeof when === 'number' ? ago(when) : '' }).replace(/ (?=[.,])/g, '')
}

function Owner({ app, id }: { readonly app: string; readonly id: string }): JSX.Element {
  const { value } = useCustomer(app, id).value
  return (
    <a href={to(['apps', app, 'customers', id])}>{value?.name ?? value?.email ?? `${id.slice(0, 12)}…`}</a>
  )
}

interface BelongsProps {
  readonly app: string
  readonly id: string
  readonly isGood: boolean
}

/** Tells whose license it is. A good one can be sent again. */
function Belongs({ app, id, isGood }: BelongsProps): JSX.Element | null {
  const { value: license } = useLicense(app, id).value
  const tiers = useTiers(app).value.value
  if (license === undefined) return null
  const { customerId, tierId, tier, name } = license
  const tierName = tiers?.find((one) => one.id === tierId)?.name ?? tier
  return (
    <>
      <p class="sub">
        {may('customers:read') && (
          <>
            {text.belongs}
            <Owner app={app} id={customerId} />
            {text.withTier(tierName)}
          </>
        )}
        <a href={to(['apps', app, 'licenses', id])}>
          {name === null ? text.itsLicense : text.computer(name)}
        </a>
        . {isGood && text.goodLead}
      </p>
      {isGood && <Handout app={app} license={license} />}
    </>
  )
}

function placeOf(app: string | null, { kind, id }: DiagnosisCandidate): string {
  if (kind === 'license') return to(['why', id])
  return app === null ? to(['why', id]) : to(['apps', app, 'license-keys', id])
}

function Candidates({ diagnosis: { app, candidates } }: { readonly diagnosis: Diagnosis }): JSX.Element {
  return (
    <>
      <p class="sub">{text.chooseLead}</p>
      <ul class="apps">
        {candidates.map((candidate) => (
          <li key={candidate.id}>
            <a href={placeOf(app, candidate)}>
              <strong>{candidate.label}</strong> <code class="quiet">{candidate.id}</code>
            </a>
          </li>
        ))}
      </ul>
    </>
  )
}

interface AnswerProps {
  readonly name: string
  readonly given: string
  /** False for an id out of the address, which is no secret. */
  readonly isPasted: boolean
}

function Told({
  diagnosis,
  given,
  isPasted,
  name,
}: AnswerProps & { readonly diagnosis: Diagnosis }): JSX.Element {
  const { app, licenseId, kind, candidates, cause } = diagnosis
  const verdict = verdictOf(diagnosis)
  const told = masked(given)
  return (
    <article class="why">
      <header class="lead">
        <p class="eyebrow">{text.eyebrow}</p>
        <Title key={verdict}>{verdict}</Title>
        {app !== null && licenseId !== null && <Belongs app={app} id={licenseId} isGood={cause === null} />}
      </header>
      <div class="columns">
        <div>
          <div class="pasted">
            <span class="eyebrow">{isPasted ? text.pasted : text.askedFor}</span>
            <code>{told}</code>
            <a class="quiet" href={to(['why'])} onClick={() => askWhy('')}>
              {text.another}
            </a>
          </div>
          {candidates.length > 0 && <Candidates diagnosis={diagnosis} />}
          <Ladder diagnosis={diagnosis} name={name} />
        </div>
        <aside>
          {app !== null && (licenseId !== null || kind === 'token') && (
            <ProgramPanel
              key={name}
              app={app}
              diagnosis={diagnosis}
              token={isPasted && ['token', 'license_file'].includes(kind) ? given : null}
            />
          )}
        </aside>
      </div>
      <AsCode
        code={{
          call: 'POST /diagnose',
          body: { text: told },
          typescript: `await licensing.diagnose({ text: ${JSON.stringify(told)} })`,
          cli: 'diagnose - < text.txt',
        }}
      />
    </article>
  )
}

function Answer(props: AnswerProps): JSX.Element {
  const { given, isPasted, name } = props
  const known = useKnown(name, (signal) => licensing.withOptions({ signal }).diagnose({ text: given }))
  const licenseId = known.value.value?.licenseId ?? null
  useEffect(() => {
    if (isPasted && licenseId !== null) leadTo(licenseId)
  }, [licenseId])
  return (
    <Shown known={known.value} name={name}>
      {(diagnosis) => <Told {...props} diagnosis={diagnosis} />}
    </Shown>
  )
}

/** The text that was pasted, or the id in the address. */
export function WhyPage({ id }: { readonly id?: string }): JSX.Element {
  const { value: asked } = question
  if (asked !== null && asked.text !== '' && (id === undefined || asked.leadsTo === id)) {
    const name = names.why(`${asked.number}`)
    return <Answer key={name} name={name} given={asked.text} isPasted />
  }
  if (id === undefined) return <AskForm />
  return <Answer key={id} name={names.why(id)} given={id} isPasted={false} />
}
