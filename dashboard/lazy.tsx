import { signal } from '@preact/signals'
import type { ComponentType, JSX } from 'preact'
import { Failure, Skeleton } from './states.tsx'

/** A page that is loaded when somebody opens it. */
export function lazy<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
): (props: Props) => JSX.Element {
  const loaded = signal<{ readonly Page: ComponentType<Props> } | null>(null)
  const failure = signal<Error | null>(null)
  let isAsked = false
  const ask = (): void => {
    isAsked = true
    load().then(
      (Page) => (loaded.value = { Page }),
      (error: unknown) => {
        isAsked = false
        failure.value = error as Error
      },
    )
  }
  return (props) => {
    if (loaded.value !== null) {
      const { Page } = loaded.value
      return <Page {...props} />
    }
    // A browser keeps a file that failed, and a newer server has files of other names. Both end with a new page.
    if (failure.value !== null) return <Failure error={failure.value} onAgain={() => location.reload()} />
    if (!isAsked) ask()
    return <Skeleton />
  }
}
