import { LicensingError } from '../core/errors.ts'
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
 * Reads a license file: armoured JSON with a token and statements about signing keys. It ignores other members.
 *
 * @throws {LicensingError} `invalid_token` for a file that is damaged.
 */
export function readLicenseFile(text: string): LicenseFile {
  const body = bodyOf(text.replaceAll('\0', ''))
  try {
    const { token, trust } = JSON.parse(new TextDecoder().decode(bytesOf(body))) as LicenseFile
    return { token: `${token}`, trust }
  } catch {
    throw refused('is damaged')
  }
}
