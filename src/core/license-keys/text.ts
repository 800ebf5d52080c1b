/** The symbols of Crockford base32, in the order of their values. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const length = 25
const pattern = /^[0-9A-HJKMNP-TV-Z]{25}$/
const prefixPattern = /^[A-Z0-9]{2,8}$/
/** Characters. Mail and chat may put several invisible ones between two symbols. */
const maxTextLength = 1000

/** Every dash, space and character without a glyph, and the two signs that people type for a dash. */
const separators =
  /[\s\p{Pd}\p{Z}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u02D7\u2043\u2212\u30FC\uFFFD]+/gu

/** The parts of a text that has the length of a license key. */
interface Parts {
  /** The prefix in upper case, or empty. */
  readonly prefix: string
  /** 25 characters. A wrong one may be no symbol of the alphabet. */
  readonly symbols: string
}

/** The result of `checkLicenseKey`. */
export type LicenseKeyCheck =
  | {
      readonly ok: true
      /** The license key in its usual form: five groups, and the prefix if the text had one. */
      readonly key: string
    }
  | {
      readonly ok: false
      /** License keys that the text may mean, at most three. Show them: never take one silently. */
      readonly suggestions: readonly string[]
    }

/** Symbols that look alike become one. */
function fold(text: string): string {
  return text.replace(/[IL]/g, '1').replace(/O/g, '0')
}

/** An unknown prefix must be set off by a separator, or stand before right check symbols: two symbols too many are none. */
function split(text: string, known: string): Parts | null {
  if (text.length > maxTextLength) return null
  const dashed = text.normalize('NFKC').toUpperCase().replace(separators, '-')
  const joined = [...dashed.replaceAll('-', '')]
  const size = joined.length - length
  const prefix = joined.slice(0, Math.max(size, 0)).join('')
  const symbols = fold(joined.slice(-length).join(''))
  if (size === 0) return { prefix, symbols }
  if (!prefixPattern.test(prefix)) return null
  const isSetOff = new RegExp(`^-?([^-]-?){${size - 1}}[^-]-`).test(dashed)
  const isPrefix = isSetOff || fold(prefix) === fold(known.toUpperCase()) || hasRightCheckSymbols(symbols)
  return isPrefix ? { prefix, symbols } : null
}

/** The values of symbols. A character that is no symbol has the value -1. */
function valuesOf(symbols: string): readonly number[] {
  return [...symbols].map((symbol) => alphabet.indexOf(symbol))
}

/** Multiplies by α in GF(32) with x⁵ + x² + 1. */
export function timesAlpha(value: number): number {
  return value & 16 ? (value << 1) ^ 37 : value << 1
}

function overAlpha(value: number): number {
  return (value & 1 ? value ^ 37 : value) >> 1
}

/** The values of the word's polynomial at α and α²: zero and zero for a license key, whose first symbol leads. */
function syndromes(values: readonly number[]): readonly [number, number] {
  let [first, second] = [0, 0]
  for (const value of values) {
    first = timesAlpha(first) ^ value
    second = timesAlpha(timesAlpha(second)) ^ value
  }
  return [first, second]
}

function isWord(values: readonly number[]): boolean {
  return syndromes(values).every((value) => value === 0)
}

/** The one word of the code that differs from `values` in one symbol, if there is one. */
function substituted(values: readonly number[]): readonly number[] | null {
  let [first, second] = syndromes(values)
  for (let at = length - 1; at >= 0; at--) {
    if (first === second) return values.map((value, index) => (index === at ? value ^ first : value))
    first = overAlpha(first)
    second = overAlpha(overAlpha(second))
  }
  return null
}

function swapped(values: readonly number[], at: number): readonly number[] {
  return [...values.slice(0, at), values[at + 1]!, values[at]!, ...values.slice(at + 2)]
}

/** The words of the code that are one slip of the fingers away: one wrong symbol, or two adjacent symbols swapped. */
function wordsNear(symbols: string): readonly (readonly number[])[] {
  const values = valuesOf(symbols)
  const foreign = values.filter((value) => value < 0).length
  if (foreign > 1) return []
  const one = substituted(values.map((value) => Math.max(value, 0)))
  if (foreign === 1)
    return one?.every((value, at) => values[at]! < 0 || value === values[at]) === true ? [one] : []
  const swaps = values.slice(1).map((_, at) => swapped(values, at))
  return [one ?? [], ...swaps].filter((word) => word.length === length && isWord(word))
}

/** A license key in its usual form: five groups of five symbols, after the prefix if there is one. */
export function formatLicenseKey(symbols: string, prefix: string | null = null): string {
  return [...(prefix ? [prefix] : []), ...(symbols.match(/.{5}/g) ?? [])].join('-')
}

/** True if the text is 25 symbols, and the last two are those that the others ask for. */
export function hasRightCheckSymbols(symbols: string): boolean {
  return pattern.test(symbols) && isWord(valuesOf(symbols))
}

const usualForm = /^(?:[A-Z0-9]{2,8}-)?(?:[0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}$/

/** True for a license key in its usual form with right check symbols, as this server writes it. */
export function isLicenseKeyText(text: string): boolean {
  return usualForm.test(text) && hasRightCheckSymbols(text.slice(-29).replaceAll('-', ''))
}

/**
 * Reads the text of a license key as people type it: in any case, with dashes, spaces, look-alikes and its prefix. It returns
 * the 25 symbols in upper case, whose check symbols may be wrong; `null` if the text is none of ours.
 *
 * @param prefix The app's prefix. Another prefix is taken off as well if a dash or a space follows it.
 */
export function readLicenseKey(text: string, prefix: string | null = null): string | null {
  const symbols = split(text, prefix ?? '')?.symbols
  return symbols !== undefined && pattern.test(symbols) ? symbols : null
}

/**
 * Checks the text of a license key without a server. It forgives case, spaces, dashes and look-alikes, finds every mistake in
 * one or two symbols, and suggests what one wrong symbol or two swapped ones may have meant.
 *
 * A good text may still belong to no license: only the server knows that. Another shop's key, which a vendor may have taken
 * over, is not good here.
 *
 * @param text What somebody typed or pasted. A text of more than 1,000 characters is no license key.
 *
 * @example
 * ```ts
 * import { checkLicenseKey } from 'heartwood/client'
 *
 * const check = checkLicenseKey('acme 00000 00000 00000 00000 00001')
 * if (!check.ok) console.log('Did you mean:', check.suggestions)
 * ```
 */
export function checkLicenseKey(text: string): LicenseKeyCheck {
  const parts = split(text, '')
  if (parts === null) return { ok: false, suggestions: [] }
  const { prefix, symbols } = parts
  if (hasRightCheckSymbols(symbols)) return { ok: true, key: formatLicenseKey(symbols, prefix) }
  const words = wordsNear(symbols).map((word) => word.map((value) => alphabet[value]).join(''))
  return { ok: false, suggestions: words.map((word) => formatLicenseKey(word, prefix)) }
}
