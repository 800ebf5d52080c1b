import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Tier } from '../../src/core/index.ts'
import { messageOf } from '../api.ts'
import {
  mostSingly,
  readBehind,
  regenerateEach,
  regenerateTier,
  type Behind as Found,
  type Late,
} from '../behind.ts'
import { catalogueChanged } from '../catalogue.ts'
import type { Progress } from '../license-pages.ts'
import { ProgressLine } from '../progress.tsx'
import { to } from '../router.ts'
import { may } from '../session.ts'
import { tiersWords as text } from '../tiers-words.ts'
import { complain, say } from '../toasts.tsx'

/** So many licenses are read without being asked: that takes ten requests. */
const readUnasked = 1_000
const shownAtOnce = 20

function Ids({ app, ids }: { readonly app: string; readonly ids: readonly string[] }): JSX.Element {
  const shown = ids.slice(0, shownAtOnce)
  return (
    <details class="ids">
      <summary>{ids.length > shownAtOnce ? text.first(shownAtOnce) : text.show}</summary>
      <ul>
        {shown.map((id) => (
          <li key={id}>
            <a href={to(['apps', app, 'licenses', id])}>
              <code>{id}</code>
            </a>
          </li>
        ))}
      </ul>
    </details>
  )
}

function Differences({ gains, loses }: Pick<Late, 'gains' | 'loses'>): JSX.Element {
  return (
    <span class="chips">
      {gains.map((item) => (
        <span key={item} class="chip added">
          <span class="unseen">{text.gains}</span>
          {item}
        </span>
      ))}
      {loses.map((item) => (
        <span key={item} class="chip lost">
          <span class="unseen">{text.loses}</span>
          {item}
        </span>
      ))}
    </span>
  )
}

/** Long work that a button begins and another one ends. It ends with the page as well. */
function useWork() {
  const [progress, setProgress] = useState<Progress | 'unknown' | null>(null)
  const flight = useRef<AbortController | null>(null)
  useEffect(() => () => flight.current?.abort(), [])
  const run = async (work: (signal: AbortSignal) => Promise<void>): Promise<void> => {
    const controller = (flight.current = new AbortController())
    try {
      await work(controller.signal)
    } catch (error) {
      if (!controller.signal.aborted) complain(error)
    }
    setProgress(null)
  }
  return { progress, setProgress, run, stop: () => flight.current?.abort() }
}

interface RegenerateProps {
  readonly app: string
  readonly late: Late
  readonly active: number
  readonly onDone: () => void
}

function Regenerate({ app, late, active, onDone }: RegenerateProps): JSX.Element {
  const { tier, ids } = late
  const { progress, setProgress, run, stop } = useWork()
  const isMany = ids.length > mostSingly
  const act = async (): Promise<void> => {
    await run(async (signal) => {
      setProgress(isMany ? 'unknown' : { done: 0, all: ids.length })
      const done = isMany
        ? await regenerateTier(app, tier.id, signal)
        : await regenerateEach(app, ids, signal, setProgress)
      say(signal.aborted ? text.stopped(done) : text.regenerated(done))
    })
    catalogueChanged(app)
    onDone()
  }
  if (progress === null)
    return (
      <button type="button" class="primary" onClick={() => void act()}>
        {isMany ? text.regenerateAll(active, tier.name) : text.regenerate(ids.length)}
      </button>
    )
  if (progress === 'unknown') return <ProgressLine label={text.regeneratingAll} />
  return (
    <>
      <ProgressLine label={text.regenerating(progress.done, progress.all)} progress={progress} />
      <button type="button" onClick={stop}>
        {text.stop}
      </button>
    </>
  )
}

interface OfFound {
  readonly app: string
  readonly found: Found
  readonly active: ReadonlyMap<string, number>
  readonly onDone: () => void
}

function Lates({ app, found: { late, lost, all }, active, onDone }: OfFound): JSX.Element {
  const behind = late.reduce((sum, { ids }) => sum + ids.length, 0)
  return (
    <>
      <p class="sub small">{behind === 0 ? text.behindNone(all) : text.behindSome(behind, all)}</p>
      {behind > 0 && <p class="note">{text.behindLead}</p>}
      {late.length > 0 && (
        <ul class="late">
          {late.map((one) => (
            <li key={one.tier.id}>
              <div class="late-head">
                <strong>{one.tier.name}</strong>
                <span class="quiet">
                  {text.row(one.ids.length, active.get(one.tier.id) ?? one.ids.length)}
                </span>
                <Differences gains={one.gains} loses={one.loses} />
                {may('licenses:write') && (
                  <Regenerate
                    app={app}
                    late={one}
                    active={active.get(one.tier.id) ?? one.ids.length}
                    onDone={onDone}
                  />
                )}
              </div>
              <Ids app={app} ids={one.ids} />
            </li>
          ))}
        </ul>
      )}
      {lost.length > 0 && (
        <>
          <p class="sub small">{text.lost(lost.length)}</p>
          <Ids app={app} ids={lost} />
        </>
      )}
    </>
  )
}

interface BehindProps {
  readonly app: string
  readonly tiers: readonly Tier[]
  readonly active: ReadonlyMap<string, number>
}

/** Reads them again after a tier has changed, or when `round` rises. A page that is left reads on nothing. */
function useFound({ app, tiers }: Pick<BehindProps, 'app' | 'tiers'>, round: number) {
  const [found, setFound] = useState<Found | null>(null)
  const [progress, setProgress] = useState<Progress>({ done: 0, all: 0 })
  const [failure, setFailure] = useState('')
  const lists = JSON.stringify(tiers.map(({ id, features, limits }) => [id, features, limits]))
  useEffect(() => {
    const flight = new AbortController()
    const { signal } = flight
    setFound(null)
    setFailure('')
    readBehind(app, tiers, signal, setProgress).then(
      (read) => signal.aborted || setFound(read),
      (error: unknown) => signal.aborted || setFailure(messageOf(error)),
    )
    return () => flight.abort()
  }, [app, lists, round])
  return { found, progress, failure }
}

function Reading(props: BehindProps): JSX.Element {
  const [round, setRound] = useState(0)
  const { found, progress, failure } = useFound(props, round)
  const { app, active } = props
  if (failure !== '') return <p class="failure">{failure}</p>
  if (found === null)
    return <ProgressLine label={text.reading(progress.done, progress.all)} progress={progress} />
  return <Lates app={app} found={found} active={active} onDone={() => setRound(round + 1)} />
}

/** The licenses that carry another list than their tier grants. A long list is read when somebody asks for it. */
export function Behind({ app, tiers, active, all }: BehindProps & { readonly all: number }): JSX.Element {
  const [isAsked, setAsked] = useState(false)
  return (
    <section aria-labelledby="behind" class="section">
      <h2 id="behind">{text.behind}</h2>
      {all <= readUnasked || isAsked ? (
        <Reading app={app} tiers={tiers} active={active} />
      ) : (
        <>
          <p class="sub small">{text.lookLead}</p>
          <div class="actions">
            <button type="button" onClick={() => setAsked(true)}>
              {text.look(all)}
            </button>
          </div>
        </>
      )}
    </section>
  )
}
