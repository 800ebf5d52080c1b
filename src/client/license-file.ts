import { LicensingError } from '../core/errors.ts'
import { readPastedToken } from '../core/token/pasted.ts'

/** The parts of an entered text. Each is verified by itself, and nothing outside of them counts. */
export interface LicenseFile {
  readonly token: string
  /** A trust file; `undefined` if the text holds none. */
  readonly trust?: unknown
}

const name = 'HEARTWOOD LICENSE-----'
/** In characters. */
const maxLength = 256 * 1024

function refused(reason: string): LicensingError {
  return new LicensingError('invalid_token', `The license file ${reason}`)
}

/** The base64 between the two lines, without what mail adds to it. */
function bodyOf(text: string): string {
  const [, body = '', ...others] = text.split(`-----BEGIN ${name}`)
  if (text.length > maxLength) throw refused('is longer than 256 KiB')
  if (others.length > 0) throw refused('has two BEGIN lines: enter one file at a time')
  const end = body.indexOf(`-----END ${name}`)
  if (end < 0) throw refused('is not whole: its END line is missing')
  return body.slice(0, end).replace(/[^\w+/=-]/g, '')
}

/**
 * Reads a license token, or a license file: armoured JSON with a token and statements about signing keys. It ignores other
 * members.
 *
 * @throws {LicensingError} `invalid_token` for a license file that is damaged.
 */
export function readLicenseFile(given: string): LicenseFile {
  // Each character of a UTF-16 file that was read as UTF-8 has a null beside it.
  const text = given.replaceAll('\0', '')
  if (!text.includes(`BEGIN ${name}`)) return { token: readPastedToken(given) }
  const body = bodyOf(text)
  try {
    const bytes = Uint8Array.from(atob(body), (byte) => byte.charCodeAt(0))
    const { token, trust } = JSON.parse(new TextDecoder().decode(bytes)) as LicenseFile
    if (typeof token === 'string') return { token, trust }
  } catch {
    // Falls through, because every cause gets the same error.
  }
  throw refused('is damaged: enter it once more, whole')
}
