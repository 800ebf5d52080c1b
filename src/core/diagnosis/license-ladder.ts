import type { Context } from '../context.ts'
import { limitsOf } from '../limits.ts'
import { featuresOf } from '../licenses/issue-token.ts'
import { may } from '../principal.ts'
import type { AppRecord, LicenseRecord, NumericDate, TierRecord } from '../storage/index.ts'
import { decide, isPast, isReleased, type Decision, type TokenState } from '../token/decision.ts'
import type { Limits } from '../limits.ts'
import type { DiagnosticCheckName } from './diagnosis.ts'
import type { Failed, Passed, Step } from './ladder.ts'
import { activateAgain, extend, giveTier, regenerate, reinstate, sendNewest } from './remedies.ts'
import { countOf, rowOf, timeOf } from './wording.ts'

/** The claims of a genuine token that its license is compared with. */
export interface ShownToken extends TokenState {
  readonly features: readonly string[]
  readonly limits: Limits
}

/** The content of a text beside the license. */
export interface Shown {
  readonly token?: ShownToken | undefined
  /** The revision in a `jti` whose MAC is right. */
  readonly revision?: number | undefined
}

/** A license with all that its ladder needs. */
export interface LicenseFacts extends Shown {
  readonly app: AppRecord
  readonly license: LicenseRecord
  /** `null` if it was deleted. */
  readonly tier: TierRecord | null
  /** The e-mail of its customer; `null` for a key that may not read customers. */
  readonly customer: string | null
  /** The license that has the place of the installation; `null` if this one has it, or none does. */
  readonly successorId: string | null
  /** True for a secret key and the host, who may know the cause of a revocation. */
  readonly showsCause: boolean
  readonly now: NumericDate
}

async function successorOf(
  { storage }: Context,
  { id, appId, current, installationId }: LicenseRecord,
): Promise<string | null> {
  if (current) return null
  const found = await storage.findCurrentLicense(appId, installationId)
  return found === null || found.id === id ? null : found.id
}

/** Reads what the ladder of a license needs. */
export async function readLicense(
  context: Context,
  app: AppRecord,
  license: LicenseRecord,
  shown: Shown = {},
): Promise<LicenseFacts> {
  const { storage, principal, runtime } = context
  const { tierId } = license
  const [tier, holder, successorId] = await Promise.all([
    tierId === null ? null : storage.findTier(app.id, tierId),
    may(principal, 'customers:read') ? storage.findCustomer(app.id, license.customerId) : null,
    successorOf(context, license),
  ])
  const customer = holder?.email ?? null
  const showsCause = principal === null || principal.type === 'sk'
  return { ...shown, app, license, tier, customer, successorId, showsCause, now: runtime.now() }
}

/** The check that fails by a decision. The one decision function decides; this only finds the name of its reason. */
function failingCheck({ code }: Decision, { token, now }: LicenseFacts): DiagnosticCheckName | null {
  if (code === 'token_expired') return isPast(token?.exp, now) ? 'token_end' : 'end'
  if (code === 'invalid_token') return 'cut_off'
  if (code === 'license_released') return 'seat'
  return code === 'license_revoked' ? 'revocation' : null
}

function exists({ license, customer }: LicenseFacts): Passed {
  const { id, tier, installationId, customerId, createdAt, licenseKeyId, name } = license
  const whose = customer === null ? '' : ` of ${customer}`
  const where = name === null ? '' : ` on “${name}”`
  return {
    sentence: `The license${whose}${where} exists, with the tier ${tier}. It was issued on ${timeOf(createdAt)}.`,
    facts: { licenseId: id, tier, installationId, customerId, licenseKeyId, createdAt },
  }
}

function hasPlace({ license, successorId }: LicenseFacts): Passed {
  if (license.current) return { sentence: 'It is the license of its installation.' }
  const newer = successorId === null ? 'It gave up the place' : 'A newer license has the place'
  return {
    sentence: `${newer} of its installation.`,
    warning: 'superseded',
    facts: { successorId },
  }
}

function tokenHasEnd({ token }: LicenseFacts): Passed {
  if (token?.exp === undefined) return { sentence: 'The token has no end.' }
  return { sentence: `The token runs until ${timeOf(token.exp)}.`, facts: { expiresAt: token.exp } }
}

/** The state of the license whose token has ended. It decides what mends that. */
function afterToken(facts: LicenseFacts): Pick<Failed, 'sentence' | 'remedy'> {
  const { app, license, showsCause, now } = facts
  const { expiresAt, revokedAt, revokedCause } = license
  if (revokedAt !== null)
    return {
      sentence: `The license itself was revoked on ${timeOf(revokedAt)}.`,
      remedy: isReleased(revokedCause)
        ? activateAgain(app, license)
        : reinstate(app, license, showsCause && revokedCause === 'key_revoked'),
    }
  if (isPast(expiresAt, now))
    return { sentence: 'The license itself has ended, too.', remedy: extend(app, license) }
  return {
    sentence: `The license itself ${expiresAt === null ? 'never ends' : `runs until ${timeOf(expiresAt)}`}.`,
    remedy: `${sendNewest(app, license)} An ended token cannot renew itself.`,
  }
}

function tokenEnded(facts: LicenseFacts): Failed {
  const end = facts.token?.exp ?? facts.now
  const { sentence, remedy } = afterToken(facts)
  return {
    cause: 'token_expired',
    code: 'token_expired',
    sentence: `The token ended on ${timeOf(end)}. ${sentence}`,
    remedy,
    facts: { expiresAt: end, licenseExpiresAt: facts.license.expiresAt },
  }
}

function cutOff({ app, license, revision }: LicenseFacts): Failed {
  return {
    cause: 'invalidated',
    code: 'invalid_token',
    sentence: `It was cut off by invalidate_previous: its revision is ${revision}, and only those from ${license.minRevision} on are good.`,
    remedy: sendNewest(app, license),
    facts: { revision: revision ?? null, minRevision: license.minRevision },
  }
}

function revisionOf({ license, revision = license.revision }: LicenseFacts): Passed {
  const facts = { revision, newestRevision: license.revision }
  const behind = license.revision - revision
  if (behind === 0) return { sentence: 'It is the newest token of the license.', facts }
  if (behind < 0)
    return {
      sentence: 'The token is newer than the record of its license, as after a restored backup.',
      warning: 'ahead_of_record',
      facts,
    }
  return {
    sentence: `Its revision is ${revision}, and the newest is ${license.revision}: the program missed ${countOf(behind, 'issue')}.`,
    warning: 'older_revision',
    remedy: 'Nothing to do: the program renews itself when it next reaches the server.',
    facts,
  }
}

const seatCauses = {
  released: ['seat_given_back', 'Its holder gave the seat back'],
  lapsed: ['seat_lapsed', 'The program was silent for too long, and another installation took the seat'],
  replaced: ['seat_replaced', 'Another license took the seat or the place of the installation'],
  moved: ['seat_moved', 'The installation moved to another license key'],
} as const

/** A public key learns that the seat is lost, and no more. */
const hiddenCause = ['seat_lost', 'It gave its seat of the license key back, or lost it'] as const

function lostSeat({ app, license, showsCause }: LicenseFacts): Failed {
  const { revokedCause, revokedAt, licenseKeyId } = license
  const isKnown = showsCause && revokedCause !== null && revokedCause !== 'key_revoked'
  const [cause, what] = isKnown ? seatCauses[revokedCause] : hiddenCause
  return {
    cause,
    code: 'license_released',
    sentence: `${what} on ${timeOf(revokedAt ?? license.updatedAt)}.`,
    remedy: activateAgain(app, license),
    facts: { revokedAt, licenseKeyId },
  }
}

function isRevoked({ app, license, showsCause }: LicenseFacts): Failed {
  const { revokedAt, revokedReason, revokedCause, licenseKeyId } = license
  const isByKey = showsCause && revokedCause === 'key_revoked'
  const reason = revokedReason === null || revokedReason === '' ? '' : ` The reason: ${revokedReason}.`
  const what = isByKey ? 'It was revoked with its license key' : 'It was revoked'
  return {
    cause: isByKey ? 'license_key_revoked' : 'license_revoked',
    code: 'license_revoked',
    sentence: `${what} on ${timeOf(revokedAt ?? license.updatedAt)}.${reason}`,
    remedy: reinstate(app, license, isByKey),
    facts: { revokedAt, revokedReason, licenseKeyId },
  }
}

function hasEnd({ license }: LicenseFacts): Passed {
  const { expiresAt } = license
  if (expiresAt === null) return { sentence: 'It never ends.', facts: { expiresAt } }
  return { sentence: `It runs until ${timeOf(expiresAt)}.`, facts: { expiresAt } }
}

function hasEnded({ app, license }: LicenseFacts): Failed {
  const { expiresAt } = license
  return {
    cause: 'license_expired',
    code: 'token_expired',
    sentence: `It ended on ${timeOf(expiresAt ?? 0)}.`,
    remedy: extend(app, license),
    facts: { expiresAt },
  }
}

function hasTier({ app, license, tier }: LicenseFacts): Passed | Failed {
  if (tier !== null) return { sentence: `Its tier ${tier.slug} exists.`, facts: { tier: tier.slug } }
  return {
    cause: 'missing_tier',
    code: 'missing_tier',
    sentence: `Its tier ${license.tier} was deleted. Its tokens go on until they end, but it cannot renew.`,
    remedy: giveTier(app, license),
    facts: { tier: license.tier },
  }
}

function namesOf(limits: Limits): readonly string[] {
  return Object.entries(limits).map(([name, limit]) => `${name}=${limit}`)
}

/** The names that one list has and the other lacks. */
function lacking(wanted: readonly string[], held: readonly string[]): readonly string[] {
  const known = new Set(held)
  return wanted.filter((name) => !known.has(name))
}

/** Compares what the program shows, or the record has, with what a regeneration would give now. */
function hasFeatures(facts: LicenseFacts): Passed {
  const { app, license, token, tier } = facts
  const next = { ...license, tierFeatures: tier?.features ?? [], tierLimits: tier?.limits ?? {} }
  const held = token ?? { features: featuresOf(license), limits: limitsOf(license) }
  const wanted = [...featuresOf(next), ...namesOf(limitsOf(next))]
  const shown = [...held.features, ...namesOf(held.limits)]
  const [gained, lost] = [lacking(wanted, shown), lacking(shown, wanted)]
  if (gained.length === 0 && lost.length === 0)
    return { sentence: 'It has all that its tier has now.', facts: { features: held.features } }
  const parts = [
    ...(gained.length > 0 ? [`its tier now also has ${rowOf(gained)}`] : []),
    ...(lost.length > 0 ? [`its tier no longer has ${rowOf(lost)}`] : []),
  ]
  const [first = '', ...rest] = parts
  return {
    sentence: `${first.charAt(0).toUpperCase()}${[first.slice(1), ...rest].join(', and ')}.`,
    warning: 'stale_features',
    remedy: regenerate(app, license),
    facts: { gained, lost },
  }
}

/** The decision on a license, by the function that verification and renewal use. */
function decisionOn({ license, token, revision, now }: LicenseFacts): Decision {
  return decide({ license, token, revision, isIssuer: true, now })
}

/** The checks of a license, in the order in which the decision function looks. What a text lacks has no check. */
export function licenseSteps(facts: LicenseFacts): readonly Step[] {
  const { license, token, revision } = facts
  const failing = failingCheck(decisionOn(facts), facts)
  const step = (
    check: DiagnosticCheckName,
    passed: (facts: LicenseFacts) => Passed,
    failed: (facts: LicenseFacts) => Failed,
  ): Step => [check, () => (check === failing ? failed(facts) : passed(facts))]
  const isSeat = license.licenseKeyId !== null || failing === 'seat'
  return [
    ['license', () => exists(facts)],
    ['installation', () => hasPlace(facts)],
    ...(token === undefined ? [] : [step('token_end', tokenHasEnd, tokenEnded)]),
    ...(revision === undefined
      ? []
      : [
          step('cut_off', () => ({ sentence: 'Nobody has cut it off.' }), cutOff),
          ['revision', () => revisionOf(facts)] satisfies Step,
        ]),
    ...(isSeat ? [step('seat', () => ({ sentence: 'It has its seat of the license key.' }), lostSeat)] : []),
    step('revocation', () => ({ sentence: 'Nobody has revoked it.' }), isRevoked),
    step('end', hasEnd, hasEnded),
    ['tier', () => hasTier(facts)],
    ['features', () => hasFeatures(facts)],
  ]
}
