import { readFile } from 'node:fs/promises'
import process from 'node:process'
import { isoTime } from '../adapters/http/wire.ts'
import { readBundledKeys } from '../client/public-keys.ts'
import type { PublicKeys } from '../client/options.ts'
import { decide, type Decision } from '../core/token/decision.ts'
import { LicensingError } from '../core/errors.ts'
import {
  maxTokenLength,
  verifyToken,
  type ExpectedToken,
  type LicenseClaims,
  type VerificationKey,
} from '../core/token/token.ts'
import { jsonOf, type AsJson, type Output } from './terminal/output.ts'
import { Refusal } from './refusal.ts'
import { columns, shown } from './terminal/table.ts'

/** What a token is held against. */
export interface Verification extends AsJson {
  /** The file of the public key. */
  readonly publicKey: string
  /** The app it must be for; without it, whichever it says. */
  readonly app?: string
  readonly issuer?: string
}

/** What came of it. */
interface Verdict extends Pick<Decision, 'valid' | 'code' | 'reason'> {
  readonly status: Decision['status'] | 'invalid'
  /** `null` unless the signature holds. */
  readonly claims: LicenseClaims | null
}

async function readStandardInput(): Promise<string> {
  let given = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    given += String(chunk)
    if (given.length > 2 * maxTokenLength) break
  }
  return given.trim()
}

async function readFileOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new Refusal(`Cannot read public key file ${file} (${(cause as NodeJS.ErrnoException).code})`, {
      cause,
    })
  }
}

/** @throws {SyntaxError} */
function publicKeysIn(text: string): PublicKeys {
  return text.trimStart().startsWith('{') ? (JSON.parse(text) as PublicKeys) : text
}

/** @throws {Refusal} for what is no public key, and for a private one. */
async function readKeys(file: string): Promise<readonly VerificationKey[]> {
  const text = await readFileOf(file)
  try {
    return await readBundledKeys(publicKeysIn(text))
  } catch (cause) {
    const rule = cause instanceof TypeError ? cause.message : 'publicKeys is no JSON'
    throw new Refusal(`Public key file ${file}: ${rule.replace(/^publicKeys /, '')}`, { cause })
  }
}

/**
 * Whom a token says it is for and from. Nothing is decided by it: it is what the token is then expected to say, and only
 * the signature makes it more than a claim.
 */
function claimed(token: string): Partial<Pick<LicenseClaims, 'aud' | 'iss'>> {
  try {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
    return Object(JSON.parse(payload)) as Partial<LicenseClaims>
  } catch {
    return {}
  }
}

function expectedOf(token: string, { app, issuer }: Verification): ExpectedToken {
  const { aud = '', iss = '' } = claimed(token)
  return { audience: app ?? aud, issuer: issuer ?? iss }
}

function refused({ app, issuer }: Verification): Verdict {
  const wanted = [
    ...(app === undefined ? [] : [`for ${app}`]),
    ...(issuer === undefined ? [] : [`from ${issuer}`]),
  ]
  const reason = ['This is no license token', ...wanted, 'that the public key has signed'].join(' ')
  return { valid: false, status: 'invalid', code: 'invalid_token', reason, claims: null }
}

async function judge(token: string, verification: Verification): Promise<Verdict> {
  const keys = await readKeys(verification.publicKey)
  try {
    const claims = await verifyToken(token, keys, expectedOf(token, verification))
    const now = Math.floor(Date.now() / 1000)
    const { valid, status, code, reason } = decide({ token: claims, now })
    return { valid, status, code, reason, claims }
  } catch (error) {
    if (error instanceof LicensingError) return refused(verification)
    throw error
  }
}

function details(claims: LicenseClaims, status: Verdict['status']): string {
  const rows = [
    ['status', status],
    ['app', claims.aud],
    ['issuer', claims.iss],
    ['installation', claims.sub],
    ['tier', claims.tier],
    ['features', claims.features.join(', ')],
    ['expires', claims.exp === undefined ? 'never' : isoTime(claims.exp)],
    ['issued', isoTime(claims.iat)],
    ['customer', claims.customer_id],
    ['license', claims.lic_id],
    ['token id', claims.jti],
  ]
  return columns(rows.map(([name = '', value = '']) => [name, shown(value)]))
}

/**
 * Verifies a license token, from standard input for `-`, with nothing but a public key, and says what is in it.
 *
 * @throws {Refusal} when it is not good now. A revocation it cannot know of.
 */
export async function verify(given: string, verification: Verification, output: Output): Promise<void> {
  const token = given === '-' ? await readStandardInput() : given
  const { claims, ...verdict } = await judge(token, verification)
  if (verification.json) output.line(jsonOf({ ...verdict, claims }))
  else if (claims !== null) output.line(details(claims, verdict.status))
  if (!verdict.valid) throw new Refusal(verdict.reason)
}
