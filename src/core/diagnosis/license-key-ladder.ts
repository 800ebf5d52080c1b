import { keyPrefixOf } from '../apps.ts'
import type { Context } from '../context.ts'
import { uuidOf } from '../ids.ts'
import { tokenSecretOf } from '../keys/signing-keys.ts'
import { isFull } from '../license-keys/capacity.ts'
import { acceptedRevisions, aliasHashOf } from '../license-keys/credential.ts'
import { decideKey } from '../license-keys/decision.ts'
import { handleOf, isLicenseKeyOf, revisionOf } from '../license-keys/derivation.ts'
import { checkLicenseKey, hasRightCheckSymbols, readLicenseKey } from '../license-keys/text.ts'
import { may } from '../principal.ts'
import type { AppRecord, LicenseKeyRecord, NumericDate } from '../storage/index.ts'
import { keyCandidate, toChoose } from './candidates.ts'
import type { Diagnosis, DiagnosisKind, DiagnosticCheckName } from './diagnosis.ts'
import { diagnosisOf, failedAt, type Failed, type Passed, type Step } from './ladder.ts'
import { askForMore, giveTier, makeRoom, reinstateKey, showKey, extend } from './remedies.ts'
import { findEach, listOf, type Found } from './whereabouts.ts'
import { countOf, timeOf } from './wording.ts'

/** A license key, and the text that led to it. */
export interface KeyFacts {
  readonly app: AppRecord
  readonly key: LicenseKeyRecord
  /** The time until which the text works; `null` if it works as long as the license key, `'never'` if a roll has ended it. */
  readonly worksUntil: NumericDate | null | 'never'
}

/** Earlier texts that are recognised, the newest ones. */
const maxRolls = 20

/** The revision of an earlier text than those that the server takes; `null` if the text is none. */
function olderRevision(
  context: Context,
  app: AppRecord,
  symbols: string,
  key: LicenseKeyRecord,
): number | null {
  const secret = tokenSecretOf(context, app)
  const facts = { handle: key.handle, uuid: uuidOf(key.id) }
  for (let back = 2; back <= maxRolls && back < key.keyRevision; back++) {
    const revision = key.keyRevision - back
    if (isLicenseKeyOf(secret, symbols, { ...facts, revision })) return revision
  }
  return null
}

function limitOf(key: LicenseKeyRecord, revision: number, now: NumericDate): KeyFacts['worksUntil'] {
  if (!acceptedRevisions(key, now).includes(revision)) return 'never'
  return revision === key.keyRevision ? null : key.previousUntil
}

/** Finds a license key by its own text, also by one that a roll has replaced. */
async function findOwn(context: Context, app: AppRecord, text: string): Promise<KeyFacts | null> {
  const symbols = readLicenseKey(text, keyPrefixOf(app))
  if (symbols === null || !hasRightCheckSymbols(symbols)) return null
  const key = await context.storage.findLicenseKeyByHandle(app.id, handleOf(symbols))
  const accepted = revisionOf(tokenSecretOf(context, app), symbols, key)
  const revision = accepted ?? (key === null ? null : olderRevision(context, app, symbols, key))
  if (key === null || revision === null) return null
  return { app, key, worksUntil: limitOf(key, revision, context.runtime.now()) }
}

/** Finds a license key by the key of another shop. */
export async function findByAlias(context: Context, app: AppRecord, alias: string): Promise<KeyFacts | null> {
  if (!/^[A-Za-z0-9_-]{16,128}$/.test(alias)) return null
  const key = await context.storage.findLicenseKeyByAlias(app.id, aliasHashOf(context, app, alias))
  if (key === null) return null
  const isOver = key.aliasUntil !== null && context.runtime.now() >= key.aliasUntil
  return { app, key, worksUntil: isOver ? 'never' : key.aliasUntil }
}

/** The check that fails by the decision on a license key. */
const failingChecks: Readonly<Record<string, DiagnosticCheckName>> = {
  license_key_revoked: 'revocation',
  license_key_expired: 'end',
  missing_tier: 'tier',
}

/** A license key with all that its ladder needs. */
interface ReadKey extends KeyFacts {
  readonly customer: string | null
  readonly seatsUsed: number
  readonly isFull: boolean
  readonly now: NumericDate
}

async function readKey(context: Context, facts: KeyFacts): Promise<ReadKey> {
  const { storage, principal, runtime } = context
  const { app, key } = facts
  const [seatsUsed, holder] = await Promise.all([
    storage.countSeats(key.id),
    may(principal, 'customers:read') ? storage.findCustomer(app.id, key.customerId) : null,
  ])
  const customer = holder?.email ?? null
  const full = await isFull(context, key, seatsUsed)
  return { ...facts, customer, seatsUsed, isFull: full, now: runtime.now() }
}

function exists({ app, key, customer }: ReadKey): Passed {
  const whose = customer === null ? '' : ` of ${customer}`
  return {
    sentence: `The license key${whose} exists, for ${app.name} with the tier ${key.tier}. It was made on ${timeOf(key.createdAt)}.`,
    facts: { licenseKeyId: key.id, tier: key.tier, customerId: key.customerId, createdAt: key.createdAt },
  }
}

function hasText({ app, key, worksUntil }: ReadKey): Passed | Failed {
  if (worksUntil === null) return { sentence: 'The text is the present one.' }
  if (worksUntil !== 'never')
    return {
      sentence: `A roll has replaced the text. It works until ${timeOf(worksUntil)}.`,
      warning: 'old_text',
      remedy: showKey(app, key.id),
      facts: { acceptedUntil: worksUntil },
    }
  return {
    cause: 'license_key_rolled',
    code: 'invalid_license_key',
    sentence: 'A roll has replaced the text: this one no longer works.',
    remedy: showKey(app, key.id),
  }
}

function isRevoked({ app, key }: ReadKey): Failed {
  const { revokedAt, revokedReason } = key
  const why = revokedReason === null || revokedReason === '' ? '' : ` The reason: ${revokedReason}.`
  return {
    cause: 'license_key_revoked',
    code: 'license_key_revoked',
    sentence: `It was revoked on ${timeOf(revokedAt ?? key.updatedAt)}.${why}`,
    remedy: reinstateKey(app, key.id),
    facts: { revokedAt, revokedReason },
  }
}

function hasEnded({ app, key }: ReadKey): Failed {
  const { expiresAt } = key
  return {
    cause: 'license_key_expired',
    code: 'license_key_expired',
    sentence: `It ended on ${timeOf(expiresAt ?? 0)}.`,
    remedy: extend(app, { id: key.id, licenseKeyId: key.id }),
    facts: { expiresAt },
  }
}

function hasEnd({ key: { expiresAt, starts, durationDays } }: ReadKey): Passed {
  if (expiresAt !== null) return { sentence: `It runs until ${timeOf(expiresAt)}.`, facts: { expiresAt } }
  if (starts === 'activation' && durationDays !== null)
    return { sentence: `Its ${countOf(durationDays, 'day')} begin with the first activation.` }
  return { sentence: 'It never ends.', facts: { expiresAt } }
}

function tierIsGone({ app, key }: ReadKey): Failed {
  return {
    cause: 'missing_tier',
    code: 'missing_tier',
    sentence: `Its tier ${key.tier} was deleted, so nobody can activate with it.`,
    remedy: giveTier(app, { id: key.id, licenseKeyId: key.id }),
    facts: { tier: key.tier },
  }
}

function hasRoom({ app, key, seatsUsed, isFull: full }: ReadKey): Passed | Failed {
  const facts = { seats: key.seats, seatsUsed }
  const taken = `${seatsUsed} of ${countOf(key.seats, 'seat')} ${seatsUsed === 1 ? 'is' : 'are'} taken`
  if (!full)
    return {
      sentence: seatsUsed < key.seats ? `${taken}.` : `${taken}, but a seat can be given away.`,
      facts,
    }
  return {
    cause: 'seats_full',
    code: 'seat_limit_reached',
    sentence: `${taken}. Installations that have a seat go on; a new one finds none.`,
    remedy: makeRoom(app, key.id),
    facts,
  }
}

/** The checks of a license key, in the order of its decision function; then the seats, which an activation asks for. */
export async function keySteps(context: Context, facts: KeyFacts): Promise<readonly Step[]> {
  const read = await readKey(context, facts)
  const { code } = decideKey(read.key, read.now)
  const failing = code === null ? null : failingChecks[code]
  const step = (
    check: DiagnosticCheckName,
    passed: (key: ReadKey) => Passed,
    failed: (key: ReadKey) => Failed,
  ): Step => [check, () => (check === failing ? failed(read) : passed(read))]
  return [
    ['license_key', () => exists(read)],
    ['license_key_text', () => hasText(read)],
    step('revocation', () => ({ sentence: 'Nobody has revoked it.' }), isRevoked),
    step('end', hasEnd, hasEnded),
    step('tier', ({ key }) => ({ sentence: `Its tier ${key.tier} exists.` }), tierIsGone),
    ['seats', () => hasRoom(read)],
  ]
}

const rightForm: Step = ['form', () => ({ sentence: 'Its check symbols are right: nobody has mistyped it.' })]

/** The diagnosis of a license key that was found. A text of another shop has no check symbols. */
export async function diagnoseKey(
  context: Context,
  kind: DiagnosisKind,
  facts: KeyFacts,
  before: readonly Step[] = [],
): Promise<Diagnosis> {
  return diagnosisOf(kind, [...before, ...(await keySteps(context, facts))], { app: facts.app.slug })
}

function mistyped(suggestions: readonly string[]): Failed {
  const isNear = suggestions.length > 0
  return {
    cause: 'mistyped',
    code: 'invalid_license_key',
    sentence: isNear
      ? `It is mistyped, or another shop made it. It may be: ${suggestions.join(', ')}.`
      : 'It is mistyped, or another shop made it: more than one symbol is wrong, or one is missing or too many.',
    remedy: isNear
      ? 'Let the customer compare it with the mail of the order, and enter it again.'
      : 'Let the customer copy it again from the mail of the order.',
    facts: { suggestions },
  }
}

export const cutOffKey: Failed = {
  cause: 'cut_off_text',
  code: 'invalid_license_key',
  sentence: 'It is a part of a license key: a whole one has five groups of five symbols.',
  remedy: 'Let the customer copy the whole license key again from the mail of the order.',
}

const unknownKey: Failed = {
  cause: 'license_key_unknown',
  code: 'invalid_license_key',
  sentence: 'No app of this key has such a license key: it was deleted, or it is of another shop or app.',
  remedy: askForMore,
}

/** The refusal of a key that may not read license keys. */
export function noAccess(noun: string, scope: string): Failed {
  return {
    cause: 'no_access',
    code: 'forbidden',
    sentence: `This API key may not read ${noun}: it lacks the scope ${scope}.`,
    remedy: `Ask somebody whose API key has the scope ${scope}.`,
  }
}

async function findKeys(context: Context, texts: readonly string[]): Promise<readonly Found<KeyFacts>[]> {
  const found = await findEach(context, texts, async (app, text) => listOf(await findOwn(context, app, text)))
  return [...new Map(found.map((each) => [each.thing.key.id, each])).values()]
}

function notFound(text: string): Diagnosis {
  const check = checkLicenseKey(text)
  if (!check.ok) return failedAt('license_key', 'form', mistyped(check.suggestions))
  return diagnosisOf('license_key', [rightForm, ['license_key', () => unknownKey]])
}

/** Diagnoses the texts of license keys. */
export async function diagnoseLicenseKeys(context: Context, texts: readonly string[]): Promise<Diagnosis> {
  const right = texts.filter((text) => checkLicenseKey(text).ok)
  if (right.length > 0 && !may(context.principal, 'license_keys:read'))
    return diagnosisOf('license_key', [
      rightForm,
      ['access', () => noAccess('license keys', 'license_keys:read')],
    ])
  const found = right.length === 0 ? [] : await findKeys(context, right)
  const [first, second] = found
  if (first === undefined) return notFound(right[0] ?? texts[0] ?? '')
  if (second === undefined) return diagnoseKey(context, 'license_key', first.thing, [rightForm])
  const now = context.runtime.now()
  const candidates = found.map(({ app, thing }) => keyCandidate(app, thing.key, now))
  return toChoose('license_key', candidates, null)
}
