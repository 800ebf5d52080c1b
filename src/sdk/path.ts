/** No slug has this sign. So the server responds as for any unknown name. */
const noSlug = '~'

/** No id is this. */
const noId = '0'

/** A proxy reads one or two dots as a step in the path, however they are written. */
function segment(name: unknown): string {
  const text = String(name)
  return /^\.{0,2}$/.test(text) ? noSlug : encodeURIComponent(text.toWellFormed())
}

/** A path below `/api/v1`. Each value is one segment, whatever characters it has. */
export function path(texts: TemplateStringsArray, ...names: readonly unknown[]): string {
  return String.raw({ raw: texts }, ...names.map(segment))
}

/** An id as a segment. Every id has a digit: a word such as `verify` would name another route. */
export function idSegment(id: unknown): string {
  return /^(?=.*\d)[\w-]{1,128}$/.test(String(id)) ? String(id) : noId
}

/** A query string with its question mark, or nothing. The names are in snake_case already. */
export function queryString(query: Readonly<Record<string, unknown>>): string {
  const text = new URLSearchParams(query as Record<string, string>).toString()
  return text && `?${text}`
}
