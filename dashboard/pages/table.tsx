import type { ComponentChildren, JSX } from 'preact'

/** A list of rows. A narrow window scrolls it by itself, by keyboard too. */
export function Table({
  label,
  heads,
  figures = [],
  children,
}: {
  readonly label: string
  readonly heads: readonly string[]
  /** The heads of columns with numbers. */
  readonly figures?: readonly string[]
  readonly children: ComponentChildren
}): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table class="list">
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col" class={figures.includes(head) ? 'figure' : undefined}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}
