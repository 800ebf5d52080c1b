import { Type } from '@sinclair/typebox'
import type { Context } from '../context.ts'
import { text } from '../input/fields.ts'
import { input, invalidInput, type Input } from '../input/parse.ts'
import { may, requirePermission } from '../principal.ts'
import { keyCandidate, toChoose } from './candidates.ts'
import type { Diagnosis, DiagnosisInput } from './diagnosis.ts'
import { diagnoseCustomerIds, diagnoseEmails, diagnoseExternalId, diagnoseLicenseKeyIds } from './holders.ts'
import { failedAt, type Failed } from './ladder.ts'
import { cutOffKey, diagnoseKey, diagnoseLicenseKeys, findByAlias } from './license-key-ladder.ts'
import { diagnoseInstallations, diagnoseJtis, diagnoseLicenseIds } from './licenses.ts'
import { diagnoseOther, diagnoseRequest, diagnoseSecret, diagnoseSigningKeys } from './other-ids.ts'
import { recognise, type IdKind, type Recognised } from './recognition.ts'
import { askForMore } from './remedies.ts'
import { diagnoseTokens } from './token-ladder.ts'
import { findEach, listOf, sameApp, visibleApp } from './whereabouts.ts'

/** Bytes of UTF-8. */
export const maxTextBytes: number = 64 * 1024

const rule = 'must be a string of 1 to 65536 bytes in UTF-8'

export const diagnosisInput: Input<DiagnosisInput> = input<DiagnosisInput>()(
  Type.Object({
    text: { ...text('Anything that a customer may send, at most 64 KiB', 1, maxTextBytes), rule },
  }),
)

/** @throws {LicensingError} `validation_error`. */
function textOf(given: DiagnosisInput): string {
  const { text: pasted } = diagnosisInput.parse(given)
  if (new TextEncoder().encode(pasted).length > maxTextBytes) throw invalidInput({ text: [rule] })
  return pasted
}

/** The license keys that carry one of these keys of another shop. */
async function diagnoseAliases(context: Context, names: readonly string[]): Promise<Diagnosis | null> {
  if (!may(context.principal, 'license_keys:read')) return null
  const found = await findEach(context, names, async (app, name) =>
    listOf(await findByAlias(context, app, name)),
  )
  const [first, second] = found
  if (first === undefined) return null
  if (second === undefined) return diagnoseKey(context, 'license_key', first.thing)
  const now = context.runtime.now()
  const candidates = found.map(({ app, thing }) => keyCandidate(app, thing.key, now))
  return toChoose('license_key', candidates, sameApp(found))
}

function unknownText(isEmpty: boolean): Failed {
  return {
    cause: isEmpty ? 'empty' : 'unknown_text',
    code: 'not_found',
    sentence: isEmpty
      ? 'The text holds nothing.'
      : 'It is no license token, license key or id, and no app of this key knows it as a number.',
    remedy: askForMore,
  }
}

/** A short text of no form may be the number of a customer or a sale, the key of another shop, or an app. */
async function diagnoseName(context: Context, name: string, isKeyPart: boolean): Promise<Diagnosis> {
  const known = (await diagnoseExternalId(context, name)) ?? (await diagnoseAliases(context, [name]))
  if (known !== null) return known
  if (isKeyPart) return failedAt('license_key', 'form', cutOffKey)
  const app = /^[a-z0-9-]{1,63}$/.test(name) ? await visibleApp(context, name) : null
  if (app !== null) return diagnoseOther('app', app.slug)
  return failedAt('unknown', 'form', unknownText(false))
}

type DiagnoseIds = (context: Context, values: readonly string[]) => Promise<Diagnosis>

const byId: Partial<Readonly<Record<IdKind | 'email', DiagnoseIds>>> = {
  jti: diagnoseJtis,
  license: diagnoseLicenseIds,
  installation: diagnoseInstallations,
  license_key_id: diagnoseLicenseKeyIds,
  customer: diagnoseCustomerIds,
  email: diagnoseEmails,
  signing_key: diagnoseSigningKeys,
}

/** The key of another shop may have the form of an id that nobody has. */
async function diagnoseIds(
  context: Context,
  { kind, values }: Extract<Recognised, { values: readonly string[] }>,
): Promise<Diagnosis> {
  const diagnosis = await (byId[kind]?.(context, values) ?? diagnoseOther(kind))
  const [value = ''] = values
  const isOpen =
    ['installation', 'signing_key'].includes(kind) && diagnosis.app === null && diagnosis.checks.length > 0
  return (isOpen ? await diagnoseAliases(context, [value]) : null) ?? diagnosis
}

/** The key of another shop may have the form of a license key, of which only the text as it was sold counts. */
async function diagnoseKeys(context: Context, texts: readonly string[], pasted: string): Promise<Diagnosis> {
  const diagnosis = await diagnoseLicenseKeys(context, texts)
  const isOpen = diagnosis.app === null && diagnosis.checks.length > 0
  const asPasted = texts.filter((each) => pasted.includes(each))
  return (isOpen ? await diagnoseAliases(context, asPasted) : null) ?? diagnosis
}

const damaged: Failed = {
  cause: 'cut_off_text',
  code: 'invalid_token',
  sentence: 'The license file is damaged: a part of it is missing, or somebody changed it.',
  remedy:
    'Send the customer the file again: `heartwood licenses file ID --app SLUG`, or GET /api/v1/apps/SLUG/licenses/ID/file.',
}

async function diagnoseFound(context: Context, found: Recognised, pasted: string): Promise<Diagnosis> {
  switch (found.kind) {
    case 'secret':
      return diagnoseSecret(found.secret)
    case 'token':
    case 'license_file':
      return diagnoseTokens(context, found.kind, found.tokens)
    case 'damaged_file':
      return failedAt('license_file', 'form', damaged)
    case 'license_key':
      return diagnoseKeys(context, found.texts, pasted)
    case 'request_id':
      return diagnoseRequest()
    case 'name':
      return diagnoseName(context, found.name, found.isKeyPart)
    case 'unknown':
      return failedAt('unknown', 'form', unknownText(found.isEmpty))
    default:
      return diagnoseIds(context, found)
  }
}

/**
 * Says why a program, or the server, refuses what a customer holds. Nothing keeps the text.
 *
 * @throws {LicensingError} `forbidden` without the right to read licenses; `validation_error`.
 */
export async function diagnose(context: Context, given: DiagnosisInput): Promise<Diagnosis> {
  requirePermission(context.principal, 'licenses:read')
  const pasted = textOf(given)
  return diagnoseFound(context, recognise(pasted), pasted)
}

/** True if a text was read as a license key, and opened none: such a request counts as a failed license key. */
export function isFailedLicenseKey({ kind, checks }: Diagnosis): boolean {
  const failed = checks.find(({ state }) => state === 'failed')?.check
  return kind === 'license_key' && ['form', 'license_key', 'license_key_text'].includes(failed ?? '')
}
