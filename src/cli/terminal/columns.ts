type Cells = readonly string[]

/** The width of each column, in characters. */
export function widthsOf(rows: readonly Cells[]): readonly number[] {
  return (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
}

/** Joins rows into aligned columns, one row a line. No cell breaks its line. */
export function columns(rows: readonly Cells[], widths: readonly number[] = widthsOf(rows)): string {
  return rows
    .map((row) =>
      row
        .map((cell, at) => printable(cell).padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** The names and values of one thing, a line each. An empty value has no line. */
export function detailLines(rows: readonly Cells[]): string {
  return columns(rows.filter(([, value]) => value !== ''))
}

/** Replaces control characters: text that people typed may hold sequences that control a terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '?')
}

/** Like {@link printable}, but keeps the ends of lines. */
export function withoutControls(text: string): string {
  return text.replace(/[^\P{Cc}\n]/gu, '?')
}
