/** A text with the characters and the length of a token; otherwise no text. Core calls any other invalid, but the API calls it malformed. */
export function tokenText(token: unknown): string {
  return typeof token === 'string' && /^[\w.-]{1,32768}$/.test(token) ? token : ''
}
