/** A text of a form; otherwise no text. Core calls any other credential invalid, but the API calls it malformed. */
function textOf(form: RegExp, text: unknown): string {
  return typeof text === 'string' && form.test(text) ? text : ''
}

/** A text with the characters and the length of a token; otherwise no text. */
export function tokenText(token: unknown): string {
  return textOf(/^[\w.-]{1,32768}$/, token)
}

/** A text with the length of a license key; otherwise no text. */
export function licenseKeyText(licenseKey: unknown): string {
  return textOf(/^[^]{1,1000}$/, licenseKey)
}
