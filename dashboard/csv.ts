/** Text that a spreadsheet takes for a formula gets a quote before it, because a customer may have written it. */
function cell(value: string | number | null): string {
  const text = String(value ?? '')
  const safe = /^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20\t\r\n]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

export type Row = readonly (string | number | null)[]

/** Comma-separated values (RFC 4180). */
export function csvOf(rows: readonly Row[]): string {
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

/** Saves a text as a file of the person who looks. It leaves the browser for nowhere else. */
export function save(name: string, text: string): void {
  const href = URL.createObjectURL(new Blob([text], { type: 'text/csv' }))
  const link = document.createElement('a')
  link.href = href
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(href), 60_000)
}
