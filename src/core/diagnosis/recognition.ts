import { checkLicenseKey, hasRightCheckSymbols, readLicenseKey } from '../license-keys/text.ts'
import { describeDefect, readPastedToken } from '../token/pasted.ts'
import { base32Character, typeIdSuffix } from '../typeid.ts'
import { uuidPattern } from '../ids.ts'
import { keyGroupsIn, secretIn, tokenBegin, withoutUnseen, type PastedSecret } from '../secret-text.ts'

/** Values of one kind that are looked up. A text may hold thousands. */
export const maxValues = 20
/** Words and lines that are looked at, so that a long text costs no more than a short one. */
const maxWords = 5_000
const maxLines = 200

/** The kinds of values that are looked up as they are, the one that says most first. */
const idKinds = [
  'jti',
  'license',
  'installation',
  'license_key_id',
  'customer',
  'api_key_id',
  'app',
  'tier',
  'feature',
  'event',
  'delivery',
  'audit_entry',
  'signing_key',
] as const

export type IdKind = (typeof idKinds)[number]

/** The content of a pasted text. */
export type Recognised =
  | { readonly kind: 'secret'; readonly secret: PastedSecret }
  /** `tokens` are the different ones, the first of them before the others. */
  | { readonly kind: 'token' | 'license_file'; readonly tokens: readonly string[] }
  | { readonly kind: 'damaged_file' }
  | { readonly kind: 'license_key'; readonly texts: readonly string[] }
  | { readonly kind: IdKind | 'email'; readonly values: readonly string[] }
  | { readonly kind: 'request_id' }
  /** A short text of no form. `isKeyPart`: it looks like a part of a license key. */
  | { readonly kind: 'name'; readonly name: string; readonly isKeyPart: boolean }
  | { readonly kind: 'unknown'; readonly isEmpty: boolean }

const hyphens = /[\u2010-\u2015\u2212\uFE63\uFF0D]/g
const escapes: readonly (readonly [RegExp, string])[] = [
  // JSON and logs write line breaks and quotes so.
  [/\\[nrt]/g, '\n'],
  [/\\(["'/])/g, '$1'],
  [/%40/g, '@'],
]

/** The text without what is invisible, and with the line breaks that JSON and logs have escaped. */
function cleaned(given: string): string {
  const text = withoutUnseen(given).replace(hyphens, '-')
  return escapes.reduce((left, [from, to]) => left.replace(from, to), text)
}

function distinct(values: readonly string[]): readonly string[] {
  return [...new Set(values)].slice(0, maxValues)
}

/** Takes white space, brackets and full stops off both ends. A regular expression would try each place of a long row of them. */
function trimmed(word: string): string {
  const isEdge = (at: number): boolean => '.,;:!?\'"`<>()[]{}|*=&#/ \t\r\n'.includes(word.charAt(at))
  let [from, to] = [0, word.length]
  while (from < to && isEdge(from)) from++
  while (to > from && isEdge(to - 1)) to--
  return word.slice(from, to)
}

const token = /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/
/** Characters of a line of a token that mail has broken. */
const brokenLine = 60

/** The token that begins in a text and is not whole: its first line, and each line after a full one. */
function begunToken(text: string): string | null {
  const at = text.search(tokenBegin)
  if (at === -1) return null
  const [paragraph = ''] = text.slice(at).split(/\n[ \t\r>]*\n/, 1)
  const [first = '', ...lines] = paragraph.split(/[\s>]+/, maxWords)
  const own = (line: string): string => /^[\w.-]*/.exec(line)![0]
  let begun = own(first)
  let last = first
  for (const line of lines) {
    if (last.length < brokenLine || own(last) !== last || own(line) === '') break
    begun += own(line)
    last = line
  }
  return begun
}

/** The license tokens of a text: the whole ones, or the one that is not whole. */
function tokensIn(text: string): readonly string[] {
  const whole = text
    .split(/[^\w.-]+|\.\.+/)
    .filter((word) => token.test(word) && describeDefect(word) === null)
  if (whole.length > 0) return distinct(whole)
  if (!text.includes('eyJ')) return []
  const pasted = readPastedToken(text)
  const one = token.test(pasted) ? pasted : begunToken(text)
  return one === null ? [] : [one]
}

const fileBegin = 'BEGIN HEARTWOOD LICENSE'

/** The token of a license file; `null` if the file is damaged. */
function tokenOfFile(text: string): string | null {
  const body = text.split(fileBegin)[1]!.split('END HEARTWOOD LICENSE')[0]!
  try {
    const bytes = Uint8Array.from(atob(body.replace(/[^A-Za-z0-9+/]/g, '')), (each) => each.charCodeAt(0))
    const { token: held } = Object(JSON.parse(new TextDecoder().decode(bytes))) as { token?: unknown }
    return typeof held === 'string' ? held : null
  } catch {
    return null
  }
}

/** The characters of a line in which a license key may stand, with its label. */
const maxKeyLine = 100
const groups = /(?<![0-9A-Za-z-])(?:[0-9A-Za-z]{2,8}-)?(?:[0-9A-Za-z]{5}-){4}[0-9A-Za-z]{5}(?![0-9A-Za-z-])/g

/** A line, and the part after its label. */
function withoutLabel(line: string): readonly string[] {
  const parts = line.split(/[:=]/)
  return parts.length === 1 ? [trimmed(line)] : [trimmed(line), trimmed(parts.at(-1)!)]
}

/** True if a text has the digits or the capitals of a license key. Prose in groups of five letters has neither. */
function hasKeySymbols(text: string): boolean {
  return text.replace(/[^0-9]/g, '').length >= 2 || !/[a-z]/.test(text)
}

/** True for a text with the groups of a license key, or its length in one run. */
function looksLikeKey(text: string): boolean {
  if (!hasKeySymbols(text) && !checkLicenseKey(text).ok) return false
  const parts = text.split(/[\s-]+/)
  if (parts.length === 1) return /^[0-9A-Za-z]{25,33}$/.test(text)
  const last = parts.slice(-5)
  const odd = last.filter(({ length }) => length !== 5)
  return (
    parts.length <= 6 &&
    last.length === 5 &&
    parts.every((part) => /^[0-9A-Za-z]{2,8}$/.test(part)) &&
    (odd.length === 0 || (odd.length === 1 && [4, 6].includes(odd[0]!.length)))
  )
}

/** True for the first groups of a license key. */
function looksLikeKeyPart(text: string): boolean {
  const isGrouped = /^(?:[0-9A-Za-z]{2,8}-)?(?:[0-9A-Za-z]{5}-){1,3}[0-9A-Za-z]{1,5}$/.test(text)
  return isGrouped && hasKeySymbols(text)
}

/** The texts of license keys in a text, those that are typed right before the others. */
function keysIn(text: string): readonly string[] {
  const lines = text.split(/\n/, maxLines).filter((line) => line.length <= maxKeyLine)
  const parts = [...text.matchAll(groups)].slice(0, maxValues).map(([found]) => found)
  const found = [...parts, ...lines.flatMap(withoutLabel), ...keyGroupsIn(text)].filter(looksLikeKey)
  const isRight = (part: string): boolean => hasRightCheckSymbols(readLicenseKey(part) ?? '')
  const right = found.filter(isRight)
  const near = found.filter((part) => checkSuggests(part))
  return distinct([...right, ...near, ...found])
}

function checkSuggests(part: string): boolean {
  const check = checkLicenseKey(part)
  return !check.ok && check.suggestions.length > 0
}

const prefixes: Readonly<Record<string, IdKind>> = {
  lic: 'license',
  lkey: 'license_key_id',
  cus: 'customer',
  key: 'api_key_id',
  app: 'app',
  tier: 'tier',
  feat: 'feature',
  evt: 'event',
  whd: 'delivery',
  aud: 'audit_entry',
}
const typeId = new RegExp(`^([a-z]+)_${typeIdSuffix}$`)
const jti = new RegExp(`^lic_${typeIdSuffix}${base32Character}{32}$`)
const uuid = new RegExp(uuidPattern)
const thumbprint = /^[A-Za-z0-9_-]{43}$/

/** The kind of a word that is an id. People's programs may have put it into capitals. */
function idKindOf(word: string): IdKind | null {
  if (uuid.test(word)) return 'installation'
  const lower = word.toLowerCase()
  if (jti.test(lower)) return 'jti'
  const prefix = typeId.exec(lower)?.[1]
  if (prefix !== undefined && Object.hasOwn(prefixes, prefix)) return prefixes[prefix]!
  return thumbprint.test(word) ? 'signing_key' : null
}

/** The ids of a text: all of the kind that says most. */
function idsIn(text: string): Recognised | null {
  const words = text.split(/[^A-Za-z0-9_-]+/, maxWords).map((word) => [idKindOf(word), word] as const)
  for (const kind of idKinds) {
    const values = words.filter(([found]) => found === kind).map(([, word]) => word)
    const spelt = kind === 'signing_key' ? values : values.map((value) => value.toLowerCase())
    if (spelt.length > 0) return { kind, values: distinct(spelt) }
  }
  return null
}

function emailsIn(text: string): readonly string[] {
  const words = text.split(/[\s<>"'`,;:()[\]{}|=&?/\\]+/, maxWords).map(trimmed)
  return distinct(words.filter((word) => word.length <= 254 && /^[^@]+@[^@]+$/.test(word)))
}

const requestId = /request[-_ ]?id["']?\s{0,5}[:=]?\s{0,5}["']?[A-Za-z0-9._-]{1,128}/gi

/** Other words for the whole text: a customer's or a sale's number, a slug, or the key of another shop. */
function nameOf(text: string): Recognised {
  const name = trimmed(text)
  if (name === '') return { kind: 'unknown', isEmpty: true }
  const isName = name.length <= 255 && !name.includes('\n')
  if (!isName) return { kind: 'unknown', isEmpty: false }
  return { kind: 'name', name, isKeyPart: looksLikeKeyPart(name) }
}

/**
 * Recognises what a customer, or a person at support, has pasted. It looks at the text alone, and takes time in proportion to
 * its length at most. A secret comes first, because then nothing else of the text may go any further.
 */
export function recognise(given: string): Recognised {
  const text = cleaned(given)
  const secret = secretIn(text)
  if (secret !== null) return { kind: 'secret', secret }
  if (text.includes(fileBegin)) {
    const held = tokenOfFile(text)
    return held === null ? { kind: 'damaged_file' } : { kind: 'license_file', tokens: [held] }
  }
  const tokens = tokensIn(text)
  if (tokens.length > 0) return { kind: 'token', tokens }
  const texts = keysIn(text)
  if (texts.length > 0) return { kind: 'license_key', texts }
  // The id of a request is a UUID, as that of an installation.
  const rest = text.replace(requestId, ' ')
  const emails = emailsIn(rest)
  const ids = idsIn(rest)
  // A thumbprint is a word of the right length, and an e-mail is a surer find.
  if (ids !== null && (ids.kind !== 'signing_key' || emails.length === 0)) return ids
  if (emails.length > 0) return { kind: 'email', values: emails }
  return rest === text ? nameOf(text) : { kind: 'request_id' }
}
