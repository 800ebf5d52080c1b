import type { JSX } from 'preact'
import { pageWords } from './page-words.ts'

/** Links to the first page of a list and to the next one. `null` where there is none. */
export function Pager({
  newest,
  older,
}: {
  readonly newest: string | null
  readonly older: string | null
}): JSX.Element {
  const text = pageWords.licenses
  return (
    <nav class="pager" aria-label={text.pages}>
      {newest !== null && (
        <a class="button" href={newest}>
          {text.newest}
        </a>
      )}
      {older !== null && (
        <a class="button" href={older}>
          {text.older}
        </a>
      )}
    </nav>
  )
}
