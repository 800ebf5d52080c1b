import { LicensingError } from '../core/errors.ts'
import { readPastedToken } from '../core/token/pasted.ts'
import { bytesOf } from './pem.ts'

/** The parts of an entered text. Each is verified by itself, and nothing outside of them counts. */
export interface LicenseFile {
  readonly token: string
  /** A trust file; `undefined` if the text holds none. */
  readonly trust?: unknown
}

const name = 'HEARTWOOD LICENSE'
/** In characters. */
const maxLength = 256 * 1024

function refused(reason: string): LicensingError {
  return new LicensingError('invalid_token', `The license file ${reason}`)
}

/** The base64 between the two lines, without the dashes, the white space and the signs with which mail quotes lines. */
function bodyOf(text: string): string {
  const [, rest = '', ...others] = text.split(`BEGIN ${name}`)
  const [body = '', end] = rest.split(`END ${name}`)
  if (text.length > maxLength) throw refused('is longer than 256 KiB')
  if (others.length > 0) throw refused('has two BEGIN lines: enter one file')
  if (end === undefined) throw refused('is not whole: its END line is missing')
  return body.replace(/[^\w+/]/g, '')
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
    const { token, trust } = JSON.parse(new TextDecoder().decode(bytesOf(body))) as LicenseFile
    return { token: `${token}`, trust }
  } catch {
    throw refused('is damaged')
  }
}
