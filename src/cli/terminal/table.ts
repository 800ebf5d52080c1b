type Cells = readonly string[]

/** How wide each column is. */
export function widthsOf(rows: readonly Cells[]): readonly number[] {
  return (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
}

/** Rows under each other, in columns. */
export function columns(rows: readonly Cells[], widths: readonly number[] = widthsOf(rows)): string {
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** What people wrote may hold anything, a terminal's control sequences too. */
export function shown(text: string | null): string {
  return (text ?? '').replace(/\p{Cc}/gu, '?')
}
