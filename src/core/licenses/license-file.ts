import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { trustOf } from '../keys/trust.ts'
import type { AppRecord, LicenseRecord } from '../storage/index.ts'
import type { SignedStatement, TrustFile } from '../token/statement.ts'
import { withToken } from './view.ts'

/** Characters of a file. A program reads no longer one. */
const maxLength = 256 * 1024
const lineLength = 64
const begin = '-----BEGIN HEARTWOOD LICENSE-----'
const end = '-----END HEARTWOOD LICENSE-----'

function armoured(token: string, statements: readonly SignedStatement[]): string {
  // Tokens and statements are plain ASCII.
  const text = btoa(JSON.stringify({ v: 1, token, trust: { v: 1, statements } }))
  const lines = text.match(new RegExp(`.{1,${lineLength}}`, 'g')) ?? []
  return [begin, ...lines, end, ''].join('\n')
}

/**
 * A license file: the token and the statements about signing keys, as text that survives mail. It is not signed as a whole,
 * because each part is by itself. If the statements do not fit, the oldest ones are left out.
 */
function format(token: string, { statements }: TrustFile): string {
  for (let from = 0; ; from++) {
    const text = armoured(token, statements.slice(from))
    if (text.length <= maxLength || from === statements.length) return text
  }
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
