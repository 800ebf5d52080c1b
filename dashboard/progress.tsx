import type { JSX } from 'preact'
import type { Progress } from './license-pages.ts'

/** The state of long work. Without numbers it only says that it goes on. A toast tells the end to a screen reader. */
export function ProgressLine({
  label,
  progress,
}: {
  readonly label: string
  readonly progress?: Progress
}): JSX.Element {
  const bar = progress === undefined ? {} : { value: progress.done, max: Math.max(1, progress.all) }
  return (
    <p class="progress">
      <progress aria-label={label} {...bar} />
      <span>{label}</span>
    </p>
  )
}
