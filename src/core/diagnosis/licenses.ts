import type { Context } from '../context.ts'
import { readId } from '../ids.ts'
import { isOwnJti } from '../licenses/check-token.ts'
import type { AppRecord, LicenseRecord } from '../storage/index.ts'
import { readJti } from '../token/jti.ts'
import { licenseCandidate, toChoose } from './candidates.ts'
import type { Diagnosis, DiagnosisKind } from './diagnosis.ts'
import { diagnoseGone } from './gone.ts'
import { diagnosisOf, failedAt, type Failed, type Step } from './ladder.ts'
import { licenseSteps, readLicense, type Shown } from './license-ladder.ts'
import { askForMore, issueAgain } from './remedies.ts'
import { findEach, listOf, sameApp, type Found } from './whereabouts.ts'

/** The diagnosis of one license. */
export async function diagnoseLicense(
  context: Context,
  kind: DiagnosisKind,
  { app, thing }: Found<LicenseRecord>,
  shown: Shown = {},
  before: readonly Step[] = [],
): Promise<Diagnosis> {
  const facts = await readLicense(context, app, thing, shown)
  return diagnosisOf(kind, [...before, ...licenseSteps(facts)], { app: app.slug, licenseId: thing.id })
}

async function diagnoseFound(
  context: Context,
  kind: DiagnosisKind,
  given: readonly Found<LicenseRecord>[],
  missing: Failed,
): Promise<Diagnosis> {
  const found = [...new Map(given.map((each) => [each.thing.id, each])).values()]
  const [first, second] = found
  if (first === undefined) return failedAt(kind, 'license', missing)
  if (second === undefined) return diagnoseLicense(context, kind, first)
  const now = context.runtime.now()
  const candidates = found.map(({ app, thing }) => licenseCandidate(app, thing, now))
  return toChoose(kind, candidates, sameApp(found))
}

/** The refusal of a text that leads to no license. */
export function noLicense(sentence: string, remedy: string = askForMore): Failed {
  return { cause: 'no_license', code: 'not_found', sentence, remedy }
}

/** Diagnoses the ids of licenses. */
export async function diagnoseLicenseIds(context: Context, ids: readonly string[]): Promise<Diagnosis> {
  const found = await findEach(
    context,
    ids,
    async (app, id) => listOf(await context.storage.findLicense(app.id, id)),
    (text) => ({ kinds: ['license'], text }),
  )
  const gone = found.length > 0 ? null : await diagnoseGone(context, 'license', 'license', ids)
  if (gone !== null) return gone
  const sentence = 'No app of this key has this license: it was deleted, or nobody ever made it.'
  return diagnoseFound(context, 'license', found, noLicense(sentence))
}

/** The license that has the place of an installation; without one, those that had it. */
async function ofInstallation(
  { storage, runtime }: Context,
  app: AppRecord,
  id: string,
): Promise<readonly LicenseRecord[]> {
  const current = await storage.findCurrentLicense(app.id, id)
  if (current !== null) return [current]
  // The `lic_id` of a token is a UUID, too.
  const byId = await storage.findLicense(app.id, readId('lic', id) ?? '')
  if (byId !== null) return [byId]
  const filter = { appId: app.id, installationId: id, now: runtime.now() }
  return storage.listLicenses(filter, { limit: 1 })
}

/** Diagnoses installation ids, and licenses by their UUIDs. */
export async function diagnoseInstallations(context: Context, ids: readonly string[]): Promise<Diagnosis> {
  const found = await findEach(
    context,
    ids,
    (app, id) => ofInstallation(context, app, id),
    (id) => ({ kinds: ['license'], licenseId: readId('lic', id), installationId: id }),
  )
  const remedy =
    'Let the customer activate with the license key, or issue a license for this installation: `heartwood licenses create --app SLUG`, or POST /api/v1/apps/SLUG/licenses. If it is the id of a request, look for it in the log of the server.'
  const sentence = 'No app of this key has a license for this installation, or with this id.'
  return diagnoseFound(context, 'installation', found, noLicense(sentence, remedy))
}

const deleted = 'Its license is not here any more: it was deleted.'

/** Diagnoses the ids of tokens. Only the app that made one has its MAC. */
export async function diagnoseJtis(context: Context, texts: readonly string[]): Promise<Diagnosis> {
  const found = await findEach(context, texts, async (app, text) => {
    const jti = readJti(text)
    if (jti === null || !isOwnJti(context, app, text, jti)) return []
    return [{ jti, license: await context.storage.findLicense(app.id, jti.licenseId) }]
  })
  const [first] = found
  if (first === undefined)
    return failedAt('jti', 'license', noLicense('No app of this key has made this token.'))
  const licenses = found.flatMap(({ app, thing }) =>
    thing.license === null ? [] : [{ app, thing: thing.license }],
  )
  const [license] = licenses
  const isOne = license !== undefined && licenses.every(({ thing }) => thing.id === license.thing.id)
  if (!isOne) {
    if (license !== undefined) return diagnoseFound(context, 'jti', licenses, noLicense(deleted))
    const ids = found.map(({ thing }) => thing.jti.licenseId)
    const gone = await diagnoseGone(context, 'jti', 'license', ids)
    return gone ?? failedAt('jti', 'license', noLicense(deleted, issueAgain(first.app)), first.app.slug)
  }
  const revision = Math.max(...found.map(({ thing }) => (thing.license === null ? 0 : thing.jti.revision)))
  return diagnoseLicense(context, 'jti', license, { revision })
}
