/** The header of every token begins so: `{"alg":"RS256",`. */
const beginning = 'eyJhbGciOiJSUzI1NiIs'
const whole = /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/
/** The signatures of RSA keys of 2048, 3072 and 4096 bits, in characters. Heartwood makes keys of 4096 bits. */
const signatureLengths: readonly number[] = [342, 512, 683]

/** White space, characters without a glyph, and what becomes of a byte order mark that was read as UTF-8. */
const unseen = /[\s\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\uFFFD]+/gu
const hyphens = /[\u2010\u2011\u2212\uFE63\uFF0D]/g
/** Lines that only open or close a block of code, and the signs with which mail quotes a line. */
const fence = /^[ \t>]*(`{3,}|~{3,})[\w-]*[ \t\r]*$/gm
/** A line break that quoted-printable mail puts into a long line (RFC 2045 section 6.7). */
const softBreak = /=\r?\n/g
const quoting = /^[ \t]*>[> \t]*/gm

function signatureLength(token: string): number {
  return token.length - token.lastIndexOf('.') - 1
}

function isWhole(text: string): boolean {
  return whole.test(text) && signatureLengths.includes(signatureLength(text))
}

/** The pieces of a text that a token could be: it has no other characters, no dots in a row, and no dot at its end. */
function pieces(text: string): readonly string[] {
  // A search for a row of dots at the end would take the square of their number.
  return text.split(/[^\w.-]+|\.\.+/).map((piece) => piece.replace(/^[_-]+|\.$/g, ''))
}

/**
 * Takes off whatever mail, chat and files put around a license token or into it: white space, invisible characters, quotes,
 * brackets, a code fence, a label, a dot at the end. A text that holds no token comes back without white space.
 */
export function readPastedToken(given: string): string {
  // Each character of a UTF-16 file that was read as UTF-8 has a null beside it.
  const text = given
    .replaceAll('\0', '')
    .replace(hyphens, '-')
    .replace(fence, '')
    .replace(quoting, '')
    .replace(softBreak, '')
  const joined = text.replace(unseen, '')
  const words = text.split(/\s+/).map((word) => word.replace(unseen, ''))
  // A token that was broken into lines is whole only when joined; words before or after it are not part of it.
  const candidates = [...pieces(joined), ...words.flatMap(pieces)]
  return candidates.find(isWhole) ?? candidates.find((piece) => whole.test(piece)) ?? joined
}

/** Says why a text is no whole token, whatever its signature; `null` if it may be one. */
export function describeDefect(token: string): string | null {
  if (token === '') return 'There is no license token: the text is empty'
  const isBegun = token.startsWith(beginning) || beginning.startsWith(token)
  if (!isBegun) return 'The text is no license token, or the beginning of the token is missing'
  const parts = token.split('.').length
  const isShort = parts < 3 || (parts === 3 && signatureLength(token) < Math.max(...signatureLengths))
  if (!isShort || isWhole(token)) return null
  return `The license token is not whole: it was cut off after ${token.length} characters`
}
