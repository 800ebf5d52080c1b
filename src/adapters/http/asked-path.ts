import { pathAndQuery } from './path.ts'

const longestPath = 200
const passes = 3

/** Decodes ASCII, and what a proxy has encoded once more. `null` if there is no end to it. */
function decoded(segment: string): string | null {
  let text = segment
  for (let pass = 0; pass < passes; pass++) {
    const before = text
    text = before.replace(/%([0-7][\da-f])/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    if (text === before) return text
  }
  return null
}

/** Five groups of five letters or digits, with the dashes that people put between them or without. */
const licenseKey = /(?:[a-z0-9]{5}[^a-z0-9]?){4}[a-z0-9]{5}/i

/** Keys, tokens, ids, hashes and e-mail addresses. The words of a path are short and in lower case. */
function mayBeSecret(segment: string): boolean {
  const text = decoded(segment)
  if (text === null || text.length > 32 || (text.length > 15 && /[\dA-Z]/.test(text))) return true
  return /[sp]k_(?:live|test)|whsec_|eyJ|@/i.test(text) || licenseKey.test(text)
}

/** Leaves printable ASCII, so that no text ends a line, moves the cursor or turns the direction of writing. */
function escaped(text: string): string {
  return text.replace(/[^\x21-\x7e]/gu, (character) => encodeURIComponent(character.toWellFormed()))
}

/** The path that a request asked for, as a log may show it. It ends before the first segment that may be a secret. */
export function askedPath(request: Request): string {
  const [path = ''] = pathAndQuery(request)[0].split('#', 1)
  const parts = path.split(/([/\\])/)
  const end = parts.findIndex(mayBeSecret)
  const text = escaped(parts.slice(0, end === -1 ? parts.length : end).join(''))
  const isWhole = end === -1 && text.length <= longestPath
  return isWhole ? text : `${text.slice(0, longestPath)}…`
}
