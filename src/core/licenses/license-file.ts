import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { newestWithin, trustOf } from '../keys/trust.ts'
import type { AppRecord, LicenseRecord } from '../storage/index.ts'
import type { SignedStatement, TrustFile } from '../token/statement.ts'
import { withToken } from './view.ts'

/** Characters of a file. A program reads no longer one. */
const maxLength = 256 * 1024
const lineLength = 64
const begin = '-----BEGIN HEARTWOOD LICENSE-----'
const end = '-----END HEARTWOOD LICENSE-----'

/** Bytes of JSON that fit between the two lines. Base64 makes four characters of three bytes, and each line has its end. */
const room =
  Math.floor((maxLength - begin.length - end.length - 2) / (lineLength + 1)) * ((lineLength / 4) * 3)

function jsonOf(token: string, statements: readonly SignedStatement[]): string {
  return JSON.stringify({ v: 1, token, trust: { v: 1, statements } })
}

/**
 * A license file: the token and the statements about signing keys, as text that survives mail. It is not signed as a whole,
 * because each part is by itself. If the statements do not fit, the oldest ones are left out.
 */
function format(token: string, { statements }: TrustFile): string {
  // Tokens and statements are plain ASCII.
  const text = btoa(jsonOf(token, newestWithin(room - jsonOf(token, []).length, statements)))
  const lines = text.match(new RegExp(`.{1,${lineLength}}`, 'g')) ?? []
  return [begin, ...lines, end, ''].join('\n')
}

/**
 * The license file of an active license.
 *
 * @throws {LicensingError} `license_revoked`, `token_expired`.
 * @throws {TypeError} inside a transaction of the host's, where nothing is signed.
 */
export async function licenseFile(context: Context, app: AppRecord, record: LicenseRecord): Promise<string> {
  const { token, status } = await withToken(context, app, record)
  if (status === 'revoked') throw new LicensingError('license_revoked', 'The license has been revoked')
  if (status === 'expired') throw new LicensingError('token_expired', 'The license has expired')
  if (token === null) throw new TypeError('A license file is made outside transactions')
  // After the token, so that no rotation between the two leaves its key out.
  return format(token, await trustOf(context, app.id))
}
