import { signal } from '@preact/signals'
import type { ComponentType, JSX } from 'preact'
import { Failure, Skeleton } from './states.tsx'

/** Takes one page of a section. */
type Take<Pages> = <Props extends object>(
  pageOf: (pages: Pages) => ComponentType<Props>,
) => (props: Props) => JSX.Element

/** Loads a section, which is one file, when somebody opens the first of its pages. */
export function section<Pages>(load: () => Promise<Pages>): Take<Pages> {
  const loaded = signal<Pages | null>(null)
  const failure = signal<Error | null>(null)
  let isAsked = false
  const ask = (): void => {
    isAsked = true
    load().then(
      (pages) => (loaded.value = pages),
      (error: unknown) => {
        isAsked = false
        failure.value = error as Error
      },
    )
  }
  return (pageOf) => (props) => {
    if (loaded.value !== null) {
      const Page = pageOf(loaded.value)
      return <Page {...props} />
    }
    // A browser keeps a file that failed, and a newer server has files of other names. Both end with a new page.
    if (failure.value !== null) return <Failure error={failure.value} onAgain={() => location.reload()} />
    if (!isAsked) ask()
    return <Skeleton />
  }
}
