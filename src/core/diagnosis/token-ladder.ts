import type { Context, GenuineToken } from '../context.ts'
import { statesOf, type SigningKey } from '../keys/app-keys.ts'
import { findGenuineToken, isOwnJti } from '../licenses/check-token.ts'
import type { Limits } from '../limits.ts'
import type { AppRecord, LicenseRecord } from '../storage/index.ts'
import { readJti } from '../token/jti.ts'
import { describeDefect } from '../token/pasted.ts'
import { isTokenText, maxTokenLength } from '../token/token.ts'
import { licenseCandidate, toChoose } from './candidates.ts'
import { namesIn, statedClaims, type UnverifiedNames } from './claims.ts'
import type { Diagnosis, DiagnosticCheckName } from './diagnosis.ts'
import { findGone, whenGone, type Gone } from './gone.ts'
import { diagnosisOf, type Failed, type Passed, type Step } from './ladder.ts'
import { licenseSteps, readLicense, type LicenseFacts, type ShownToken } from './license-ladder.ts'
import { askForMore, issueAgain, sendNewest } from './remedies.ts'
import { visibleApp } from './whereabouts.ts'
import { timeOf } from './wording.ts'

/** A token with all that was found by the names in it. */
interface TokenFacts {
  readonly token: string
  readonly names: UnverifiedNames
  /** `null` unless the caller sees it. */
  readonly app: AppRecord | null
  readonly keys: readonly SigningKey[]
  /** `null` unless verification takes it. */
  readonly genuine: GenuineToken | null
  /** The license of its `jti`, whose MAC is right also if the token is not. */
  readonly license: LicenseRecord | null
  readonly now: number
}

/** The license of a `jti`, if the app has made that. */
async function licenseOf(
  context: Context,
  app: AppRecord,
  { jti: text }: UnverifiedNames,
): Promise<LicenseRecord | null> {
  const jti = text === undefined ? null : readJti(text)
  if (text === undefined || jti === null || !isOwnJti(context, app, text, jti)) return null
  return context.storage.findLicense(app.id, jti.licenseId)
}

async function readToken(context: Context, token: string): Promise<TokenFacts> {
  const names = namesIn(token)
  const app = names.aud === undefined ? null : await visibleApp(context, names.aud)
  const now = context.runtime.now()
  if (app === null) return { token, names, app, keys: [], genuine: null, license: null, now }
  const keys = await context.storage.listSigningKeys(app.id)
  const [states, genuine, license] = await Promise.all([
    statesOf(context, app.id, keys),
    findGenuineToken(context, { app, keys }, token),
    licenseOf(context, app, names),
  ])
  return { token, names, app, keys: states, genuine, license, now }
}

function newToken({ app, license }: TokenFacts): string {
  return app === null || license === null ? askForMore : sendNewest(app, license)
}

function hasForm(facts: TokenFacts): Passed | Failed {
  const { token } = facts
  const { length } = token
  const defect = describeDefect(token)
  const isCutOff = defect?.includes('cut off') === true
  // A token whose header has another order is none of ours, but verification takes it.
  if (isTokenText(token) && !isCutOff)
    return { sentence: 'The text is a whole license token.', facts: { length } }
  const refused = { code: 'invalid_token', remedy: newToken(facts), facts: { length } }
  if (length > maxTokenLength)
    return { ...refused, cause: 'altered_text', sentence: 'It is longer than any license token.' }
  if (isCutOff) return { ...refused, cause: 'cut_off_text', sentence: `${defect}.` }
  const sentence = 'This is no license token: somebody changed the text, or another system made it.'
  return { ...refused, cause: 'altered_text', sentence }
}

function hasApp({ app }: TokenFacts): Passed | Failed {
  if (app === null)
    return {
      cause: 'other_app',
      code: 'not_found',
      sentence: 'It is for an app that is not an app of this key.',
      remedy:
        'Ask again with an API key of that app, of the same mode and on the server that issued the token.',
    }
  const facts = { app: app.slug, mode: app.mode }
  if (app.mode === 'live') return { sentence: `It is for the app ${app.name}.`, facts }
  return { sentence: `It is for the app ${app.name} of the test mode.`, warning: 'test_mode', facts }
}

function hasIssuer({ app, names }: TokenFacts): Passed | Failed {
  if (names.iss === app?.issuer) return { sentence: 'It names the issuer of the app.' }
  return {
    cause: 'other_issuer',
    code: 'invalid_token',
    sentence:
      'It names another issuer than the app has: another server made it, for an app of the same name.',
    remedy: 'Ask the server that issued it, or issue a license here.',
    facts: { issuer: app?.issuer ?? null },
  }
}

function retirement({ retiredAt, reason }: SigningKey): string {
  const when = retiredAt === null ? '' : ` on ${timeOf(retiredAt)}`
  return reason === 'compromised' ? `was revoked as compromised${when}` : `was retired by a rotation${when}`
}

function keyRefused(facts: TokenFacts, key: SigningKey): Failed {
  const { kid, retiredAt, reason } = key
  return {
    cause: reason === 'compromised' ? 'key_compromised' : 'key_retired',
    code: 'invalid_token',
    sentence: `It was signed by a key that ${retirement(key)}, and no grace period is left for it.`,
    remedy: `${newToken(facts)} If many customers report this, give programs the present key: GET /api/v1/apps/${facts.app?.slug ?? ''}/trust.json.`,
    facts: { kid, retiredAt, reason },
  }
}

function keyUnknown(facts: TokenFacts): Failed {
  return {
    cause: 'key_unknown',
    code: 'invalid_token',
    sentence: 'It names a key that this app never had, or that version 0.1.0 has retired.',
    remedy: `Another server made it, or it is forged. ${newToken(facts)}`,
  }
}

function hasKey(facts: TokenFacts): Passed | Failed {
  const kid = facts.names.kid ?? facts.genuine?.key.kid
  if (kid === undefined)
    return { sentence: 'It names no key, so the server tries every key that it accepts.' }
  const key = facts.keys.find((each) => each.kid === kid)
  if (key === undefined) return keyUnknown(facts)
  if (key.state === 'retired') return keyRefused(facts, key)
  if (key.acceptedUntil === null)
    return { sentence: 'The active key of the app signed it, as it says.', facts: { kid: key.kid } }
  return {
    sentence: `Its key ${retirement(key)}. The server takes it until ${timeOf(key.acceptedUntil)}.`,
    warning: 'in_grace',
    remedy: 'Nothing to do: the program renews itself when it next reaches the server.',
    facts: { kid: key.kid, acceptedUntil: key.acceptedUntil },
  }
}

function hasSignature(facts: TokenFacts): Passed | Failed {
  if (facts.genuine !== null) return { sentence: 'Its signature is right.' }
  return {
    cause: 'bad_signature',
    code: 'invalid_token',
    sentence: 'Its signature is wrong: somebody changed the token, or forged it.',
    remedy: newToken(facts),
  }
}

function isGone(context: Context, app: AppRecord, gone: Gone | null): Failed {
  if (gone !== null) return whenGone(context, 'no_license', gone)
  return {
    cause: 'no_license',
    code: 'not_found',
    sentence: 'Its license is not here any more: it was deleted.',
    remedy: issueAgain(app),
  }
}

/** The checks that nobody can make without a license. */
const ofLicense: readonly DiagnosticCheckName[] = [
  'token_end',
  'cut_off',
  'revision',
  'revocation',
  'end',
  'tier',
  'features',
]

function shownBy(token: string, genuine: GenuineToken): ShownToken {
  const { features, limits = {} } = statedClaims(token) as unknown as ShownToken & { limits?: Limits }
  const { iat, exp, updates_until } = genuine
  const ends = {
    ...(exp !== undefined && { exp }),
    ...(updates_until !== undefined && { updates_until }),
  }
  return { iat, ...ends, features, limits }
}

async function licenseFacts(context: Context, facts: TokenFacts): Promise<LicenseFacts | null> {
  const { token, app, license, genuine } = facts
  // Without a genuine token no check of the license is reached.
  if (app === null || license === null || genuine === null) return null
  const shown = { token: shownBy(token, genuine), revision: genuine.revision }
  return readLicense(context, app, license, shown)
}

/** The deletion of the license of a genuine token. */
async function goneOf(context: Context, { app, license, genuine, names }: TokenFacts): Promise<Gone | null> {
  const jti = readJti(names.jti ?? '')
  if (app === null || license !== null || genuine === null || jti === null) return null
  const gone = await findGone(context, 'license', jti.licenseId)
  return gone?.app.id === app.id ? gone : null
}

async function stepsOf(
  context: Context,
  facts: TokenFacts,
  license: LicenseFacts | null,
): Promise<readonly Step[]> {
  const { app } = facts
  const gone = await goneOf(context, facts)
  const unreachable = (): never => {
    throw new TypeError('A check was reached without its license')
  }
  const missing: readonly Step[] = [
    ['license', () => (app === null ? unreachable() : isGone(context, app, gone))],
    ...ofLicense.map((check): Step => [check, unreachable]),
  ]
  return [
    ['form', () => hasForm(facts)],
    ['app', () => hasApp(facts)],
    ['issuer', () => hasIssuer(facts)],
    ['signing_key', () => hasKey(facts)],
    ['signature', () => hasSignature(facts)],
    ...(license === null ? missing : licenseSteps(license)),
  ]
}

type TokenKind = 'token' | 'license_file'

async function diagnoseOne(context: Context, kind: TokenKind, facts: TokenFacts): Promise<Diagnosis> {
  const license = await licenseFacts(context, facts)
  const found = { app: facts.app?.slug ?? null, licenseId: facts.license?.id ?? null }
  return diagnosisOf(kind, await stepsOf(context, facts, license), found)
}

/** The token of each license that has the highest revision. */
function newestByLicense(tokens: readonly TokenFacts[]): readonly TokenFacts[] {
  const newest = new Map<string, TokenFacts>()
  const revisionIn = ({ names }: TokenFacts): number => readJti(names.jti ?? '')?.revision ?? 0
  for (const facts of tokens) {
    const { license } = facts
    if (license === null) continue
    const known = newest.get(license.id)
    if (known === undefined || revisionIn(known) < revisionIn(facts)) newest.set(license.id, facts)
  }
  return [...newest.values()]
}

/** Diagnoses the license tokens of a text. Several tokens of one license count as the newest of them. */
export async function diagnoseTokens(
  context: Context,
  kind: TokenKind,
  tokens: readonly string[],
): Promise<Diagnosis> {
  const read: TokenFacts[] = []
  for (const token of tokens) read.push(await readToken(context, token))
  const newest = newestByLicense(read)
  if (newest.length < 2) return diagnoseOne(context, kind, newest[0] ?? read[0]!)
  const candidates = newest.map(({ app, license, now }) => licenseCandidate(app!, license!, now))
  const slugs = new Set(newest.map(({ app }) => app!.slug))
  return toChoose(kind, candidates, slugs.size === 1 ? [...slugs][0]! : null)
}
