import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { forgetDeliveries } from '../deliveries.ts'
import { useApp } from '../known.ts'
import { lookAt, queueAgain, type Retry, type RetryOutcome } from '../retrying.ts'
import { complain } from '../toasts.tsx'
import { webhookWords } from '../webhook-words.ts'

const text = webhookWords.retry

/** The retry that runs, or that has just ended. */
interface Run {
  readonly total: number
  readonly queued: number
  readonly outcome: RetryOutcome | null
  readonly isOver: boolean
}

const looks = 30
const pause = (): Promise<void> => new Promise((done) => setTimeout(done, 1_000))

/** Queues the deliveries, then looks until each was tried, for half a minute at most. */
async function follow(retry: Retry, signal: AbortSignal, show: (run: Run) => void): Promise<void> {
  let run: Run = { total: retry.total, queued: 0, outcome: null, isOver: false }
  const next = (change: Partial<Run>): void => {
    run = { ...run, ...change }
    if (!signal.aborted) show(run)
  }
  next({})
  await queueAgain(retry, signal, (queued) => next({ queued }))
  for (let look = 0; look < looks && !signal.aborted; look++) {
    const outcome = await lookAt(retry, signal)
    next({ outcome })
    if (outcome === null || outcome.waiting === 0) break
    await pause()
  }
  next({ isOver: true })
}

function sentenceOf({ total, queued, outcome, isOver }: Run): string {
  if (outcome !== null) return text.outcome(outcome.arrived, outcome.failed, outcome.waiting)
  return isOver ? text.onTheirWay(total) : text.queued(queued, total)
}

function Progress({ run, onStop }: { readonly run: Run; readonly onStop: () => void }): JSX.Element {
  const { total, queued, outcome, isOver } = run
  const done = outcome === null ? queued : outcome.arrived + outcome.failed
  const box = useRef<HTMLDivElement>(null)
  // The button that had the focus is gone.
  useEffect(() => box.current?.focus(), [])
  return (
    <div ref={box} class="running" tabIndex={-1}>
      <progress value={done} max={Math.max(total, 1)} aria-label={text.progress} />
      <p role="status">
        {sentenceOf(run)}
        {isOver && outcome !== null && outcome.failed > 0 && ` ${text.again}`}
      </p>
      {!isOver && (
        <button type="button" onClick={onStop}>
          {text.stop}
        </button>
      )}
    </div>
  )
}

/** The button that sends deliveries again, and how far they are. */
export function Retries({ retry }: { readonly retry: Retry }): JSX.Element | null {
  const { app, total } = retry
  const [run, setRun] = useState<Run | null>(null)
  const flight = useRef<AbortController | null>(null)
  const isOff = typeof useApp(app).value.value?.webhookDisabledAt === 'number'
  useEffect(() => () => flight.current?.abort(), [])
  const stop = (): void => {
    flight.current?.abort()
    setRun(null)
    forgetDeliveries(app)
  }
  const start = async (): Promise<void> => {
    const { signal } = (flight.current = new AbortController())
    try {
      await follow(retry, signal, setRun)
    } catch (error) {
      if (signal.aborted) return
      setRun(null)
      complain(error)
    }
    forgetDeliveries(app)
  }
  const isRunning = run !== null && !run.isOver
  return (
    <>
      {run !== null && <Progress run={run} onStop={stop} />}
      {total > 0 && !isRunning && isOff && <p class="quiet">{text.offFirst}</p>}
      {total > 0 && !isRunning && !isOff && (
        <div class="retry">
          <button type="button" class="primary" onClick={() => void start()}>
            {text.all(total)}
          </button>
          <p class="quiet">{text.lead}</p>
        </div>
      )}
    </>
  )
}
