import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { codeOf, messageOf } from './api.ts'
import { forget, type Known } from './data.ts'
import { to } from './router.ts'
import { ago } from './times.ts'
import { words } from './words.ts'

/** The heading of a page. It takes the focus when the page opens, so that a screen reader says where one is. */
export function Title({ children }: { readonly children: ComponentChildren }): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    const text = heading.current?.textContent ?? ''
    document.title = text === '' ? words.brand : `${text} · ${words.brand}`
    heading.current?.focus({ preventScroll: true })
  }, [])
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children}
    </h1>
  )
}

/** Grey lines in the place of what is coming. They appear late, so that a quick answer does not flash. */
export function Skeleton(): JSX.Element {
  return (
    <div class="skeleton" role="status">
      <span class="unseen">{words.states.loading}</span>
      <i />
      <i />
      <i />
    </div>
  )
}

function titleOf(error: Error): string {
  const code = codeOf(error)
  if (code === 'not_found') return words.states.notFound
  return code === 'forbidden' ? words.states.forbidden : words.states.failed
}

export function Failure({
  error,
  name = '',
  onAgain = () => forget(name),
}: {
  readonly error: Error
  /** The known things to ask for again. */
  readonly name?: string
  readonly onAgain?: () => void
}): JSX.Element {
  return (
    <div class="lead">
      <Title>{titleOf(error)}</Title>
      <p class="sub">{messageOf(error)}</p>
      <div class="actions">
        <button type="button" onClick={onAgain}>
          {words.states.again}
        </button>
        <a class="button" href={to([])}>
          {words.states.home}
        </a>
      </div>
    </div>
  )
}

/** Shows a value, or that it is loading, or that its call failed. After a failed call it shows the old value with its time. */
export function Shown<T>({
  known,
  name,
  children,
}: {
  readonly known: Known<T>
  readonly name: string
  readonly children: (value: T) => ComponentChildren
}): JSX.Element {
  const { value, error, at } = known
  if (value === undefined) return error === null ? <Skeleton /> : <Failure error={error} name={name} />
  return (
    <>
      {error !== null && <p class="stale">{words.states.stale(ago(at / 1000))}</p>}
      {children(value)}
    </>
  )
}

export function NotFound(): JSX.Element {
  return (
    <div class="lead">
      <Title>{words.states.notFound}</Title>
      <p class="sub">{words.states.notFoundLead}</p>
      <div class="actions">
        <a class="button" href={to([])}>
          {words.states.home}
        </a>
      </div>
    </div>
  )
}
