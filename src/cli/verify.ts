import { isoTime } from '../adapters/http/wire.ts'
import { readBundledKeys } from '../client/public-keys.ts'
import type { PlainKeys } from '../client/options.ts'
import { decide, type Decision } from '../core/token/decision.ts'
import { LicensingError } from '../core/errors.ts'
import { describeDefect, readPastedToken } from '../core/token/pasted.ts'
import {
  maxTokenLength,
  verifyToken,
  type ExpectedToken,
  type LicenseClaims,
  type VerificationKey,
} from '../core/token/token.ts'
import { jsonOf, type AsJson, type Output } from './terminal/output.ts'
import { CliError } from './errors.ts'
import { readStandardInput } from './standard-input.ts'
import { readTextFile } from './text-file.ts'
import { termsOf } from './terms.ts'
import { columns } from './terminal/columns.ts'

export interface VerifyOptions extends AsJson {
  /** The file of the public key. */
  readonly publicKey: string
  /** The app that the token must be for. If it is undefined, any app will do. */
  readonly app?: string
  /** The issuer that the token must be from. If it is undefined, any issuer will do. */
  readonly issuer?: string
  /** The release date of the program that shows the token, in seconds since 1970. */
  readonly releasedAt?: number
}

interface VerifyResult extends Pick<Decision, 'valid' | 'code' | 'reason'> {
  readonly status: Decision['status'] | 'invalid'
  /** `null` if the signature is invalid. */
  readonly claims: LicenseClaims | null
}

/** @throws {SyntaxError} */
function parsePublicKeys(text: string): PlainKeys {
  return text.startsWith('{') ? (JSON.parse(text) as PlainKeys) : text
}

/** @throws {CliError} for a file that holds a private key, or no public key. */
async function readKeys(file: string): Promise<readonly VerificationKey[]> {
  const text = await readTextFile('Public key file', file)
  try {
    return await readBundledKeys(parsePublicKeys(text))
  } catch (cause) {
    const rule = cause instanceof TypeError ? cause.message : 'publicKeys is not JSON'
    throw new CliError(`Public key file ${file}: ${rule.replace(/^publicKeys /, '')}`, { cause })
  }
}

/** Reads `aud` and `iss` before the signature is verified. Verification then requires exactly these values. */
function unverifiedClaims(token: string): Partial<Pick<LicenseClaims, 'aud' | 'iss'>> {
  try {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
    return Object(JSON.parse(payload)) as Partial<LicenseClaims>
  } catch {
    return {}
  }
}

function expectedOf(token: string, { app, issuer }: VerifyOptions): ExpectedToken {
  const { aud = '', iss = '' } = unverifiedClaims(token)
  return { audience: app ?? aud, issuer: issuer ?? iss }
}

function invalidResult(token: string, { app, issuer }: VerifyOptions): VerifyResult {
  const wanted = [
    ...(app === undefined ? [] : [`for ${app}`]),
    ...(issuer === undefined ? [] : [`from ${issuer}`]),
  ]
  const unsigned = ['This is no license token', ...wanted, 'that the public key has signed'].join(' ')
  const reason = describeDefect(token) ?? unsigned
  return { valid: false, status: 'invalid', code: 'invalid_token', reason, claims: null }
}

async function verifyWithFile(token: string, options: VerifyOptions): Promise<VerifyResult> {
  const keys = await readKeys(options.publicKey)
  try {
    const claims = await verifyToken(token, keys, expectedOf(token, options))
    const now = Math.floor(Date.now() / 1000)
    const { valid, status, code, reason } = decide({ token: claims, releasedAt: options.releasedAt, now })
    return { valid, status, code, reason, claims }
  } catch (error) {
    if (error instanceof LicensingError) return invalidResult(token, options)
    throw error
  }
}

function details(claims: LicenseClaims, status: VerifyResult['status']): string {
  const rows = [
    ['status', status],
    ['app', claims.aud],
    ['issuer', claims.iss],
    ['installation', claims.sub],
    ['tier', claims.tier],
    ['features', claims.features.join(', ')],
    ...termsOf(claims.limits ?? {}, claims.updates_until ?? null),
    ['expires', claims.exp === undefined ? 'never' : isoTime(claims.exp)],
    ['issued', isoTime(claims.iat)],
    ['customer', claims.customer_id],
    ['license', claims.lic_id],
    ['token id', claims.jti],
  ]
  return columns(rows)
}

/**
 * Verifies a license token with a public key alone and prints its claims. For `-` it reads the token from standard input.
 * It cannot know of a revocation.
 *
 * @throws {CliError} unless the token is valid now.
 */
export async function verify(given: string, options: VerifyOptions, output: Output): Promise<void> {
  const token = readPastedToken(given === '-' ? await readStandardInput(4 * maxTokenLength) : given)
  const { claims, ...result } = await verifyWithFile(token, options)
  if (options.json) output.line(jsonOf({ ...result, claims }))
  else if (claims !== null) output.line(details(claims, result.status))
  if (!result.valid) throw new CliError(result.reason)
}
