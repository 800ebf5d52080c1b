import { calculateJwkThumbprint, exportJWK, importPKCS8, importSPKI, type JWK } from 'jose'
import { foldEmail } from '../../core/customers.ts'
import { statusOf } from '../../core/token/decision.ts'
import { LicensingError } from '../../core/errors.ts'
import { createLicensing, type Licensing } from '../../core/licensing.ts'
import { createSealer, type Sealer } from '../../core/runtime/sealer.ts'
import type {
  ApiKeyRecord,
  AppRecord,
  SigningKeyRecord,
  Storage,
  StorageSession,
} from '../../core/storage/index.ts'
import { readJti, verifyToken } from '../../core/token/token.ts'
import { examineLicenses } from './license-checks.ts'
import type { Reading } from '../backup/snapshot.ts'
import {
  allOf,
  customersOf,
  deliveriesOf,
  storedResponsesOf,
  noCounts,
  tiersOf,
  type Counts,
} from '../backup/records.ts'
import { shown } from '../terminal/table.ts'

/** Something wrong, and where: an id, never a secret. */
export interface Finding {
  readonly where: string
  readonly what: string
}

/** What was looked at and what was found. */
export interface Examination {
  readonly checked: Counts
  readonly findings: readonly Finding[]
}

/** What an examination works with. */
export interface Examiner {
  readonly session: StorageSession
  readonly licensing: Licensing
  readonly sealer: Sealer
  readonly checked: Record<keyof Counts, number>
  report(where: string, what: string): void
}

/** How many tokens of an app are signed and verified. */
const sampleSize = 5

/** A storage of what is read: nothing that an examination calls writes. */
function storageOf({ session, keyCheck }: Pick<Reading, 'session' | 'keyCheck'>): Storage {
  return {
    ...session,
    claimKeyCheck: async () => keyCheck,
    transaction: (work) => work(session),
    ping: async () => {},
    close: async () => {},
  }
}

function opens(sealer: Sealer, sealed: string, purpose: string): string | null {
  try {
    return new TextDecoder().decode(sealer.open(sealed, purpose))
  } catch {
    return null
  }
}

async function publicJwk(pem: string): Promise<JWK | null> {
  return importSPKI(pem, 'RS256', { extractable: true }).then(exportJWK, () => null)
}

async function belongs(privatePem: string, { n, e }: JWK): Promise<boolean> {
  const own = await importPKCS8(privatePem, 'RS256', { extractable: true }).then(exportJWK, () => null)
  return own?.n === n && own?.e === e
}

/** The purposes under which core seals stand in what is sealed, and so never change. */
async function examinePrivateHalf(
  { sealer, report }: Examiner,
  key: SigningKeyRecord,
  jwk: JWK,
): Promise<void> {
  const { kid, appId, privateKey, acceptedUntil } = key
  if (acceptedUntil !== null) {
    if (privateKey !== null) report(`signing key ${kid}`, 'is retired and still has its private half')
    return
  }
  const pem = opens(sealer, privateKey ?? '', `private-key ${appId} ${kid}`)
  if (pem === null) report(`signing key ${kid}`, 'does not open with this master key')
  else if (!(await belongs(pem, jwk))) report(`signing key ${kid}`, 'has halves that do not belong together')
}

async function examineKey(examiner: Examiner, key: SigningKeyRecord): Promise<void> {
  examiner.checked.signingKey++
  const where = `signing key ${key.kid}`
  const jwk = await publicJwk(key.publicKeyPem)
  if (jwk === null) return examiner.report(where, 'has a public half that cannot be read')
  if ((await calculateJwkThumbprint(jwk, 'sha256')) !== key.kid)
    examiner.report(where, 'is not named by the thumbprint of its public half')
  await examinePrivateHalf(examiner, key, jwk)
}

async function examineKeys(examiner: Examiner, app: AppRecord): Promise<void> {
  const keys = await examiner.session.listSigningKeys(app.id)
  const active = keys.filter((key) => key.acceptedUntil === null)
  if (active.length !== 1)
    examiner.report(`app ${app.id}`, `has ${active.length} active signing keys, not one`)
  for (const key of keys) await examineKey(examiner, key)
}

async function examineCatalogue(
  { session, checked, report }: Examiner,
  app: AppRecord,
): Promise<Set<string>> {
  const tiers = new Set<string>()
  const known = new Set<string>()
  for await (const feature of allOf((page) => session.listFeatures(app.id, page))) {
    checked.feature++
    known.add(feature.slug)
  }
  for await (const tier of tiersOf(session, app.id)) {
    checked.tier++
    tiers.add(tier.id)
    if (!tier.features.every((slug) => known.has(slug)))
      report(`tier ${tier.id}`, 'has a feature of no such app')
  }
  return tiers
}

async function examineCustomers({ session, checked, report }: Examiner, app: AppRecord): Promise<void> {
  for await (const customer of customersOf(session, app.id)) {
    checked.customer++
    if (customer.foldedEmail !== foldEmail(customer.email))
      report(`customer ${customer.id}`, 'is not found by its e-mail: it is folded in another way')
  }
}

async function examineWebhook(examiner: Examiner, app: AppRecord): Promise<void> {
  const { session, sealer, checked, report } = examiner
  const webhook = await session.findWebhook(app.id)
  if (webhook !== null) checked.webhook++
  for (const secret of [webhook?.secret ?? null, webhook?.previousSecret ?? null])
    if (secret !== null && opens(sealer, secret, `webhook-secret ${app.id}`) === null)
      report(`app ${app.id}`, 'has a webhook secret that does not open with this master key')
  for await (const { id, state, dueAt } of deliveriesOf(session, app.id)) {
    checked.delivery++
    if ((state === 'pending') !== (dueAt !== null))
      report(`delivery ${id}`, 'is due without being pending, or pending without being due')
  }
}

/** Signs as the server does, and verifies under the key that it serves. */
async function examineToken(
  { session, licensing, report }: Examiner,
  app: AppRecord,
  id: string,
): Promise<void> {
  try {
    const token = await licensing.licenses.token(app.id, id)
    const [active, license] = [await session.findActiveKey(app.id), await session.findLicense(app.id, id)]
    const publicKey = await importSPKI(active?.publicKeyPem ?? '', 'RS256')
    const expected = { audience: app.slug, issuer: app.issuer }
    const claims = await verifyToken(token, [{ kid: active?.kid ?? '', publicKey }], expected)
    const { valid } = await licensing.verification.verifyToken(app.id, token)
    if (!valid || readJti(claims.jti)?.revision !== license?.revision)
      report(`license ${id}`, 'has a token that the server would refuse')
  } catch (error) {
    if (error instanceof LicensingError && error.code === 'unavailable') throw error
    report(`license ${id}`, 'has no token that verifies under the active key')
  }
}

async function examineApp(examiner: Examiner, app: AppRecord): Promise<void> {
  examiner.checked.app++
  const { sealer, report } = examiner
  if (opens(sealer, app.tokenSecret, `token-secret ${app.id}`) === null)
    report(`app ${app.id}`, 'has a token secret that does not open with this master key')
  await examineKeys(examiner, app)
  const tiers = await examineCatalogue(examiner, app)
  await examineCustomers(examiner, app)
  await examineWebhook(examiner, app)
  const now = Math.floor(Date.now() / 1000)
  const sample: string[] = []
  await examineLicenses(examiner, app, tiers, (license) => {
    if (sample.length < sampleSize && statusOf(license, now) === 'active') sample.push(license.id)
  })
  for (const id of sample) await examineToken(examiner, app, id)
}

async function examineApiKey({ session, checked, report }: Examiner, key: ApiKeyRecord): Promise<void> {
  checked.apiKey++
  const app = key.appId === null ? null : await session.findApp(key.appId)
  const isBound = key.appId !== null || key.app !== null
  if (isBound && (app?.id !== key.appId || app?.slug !== key.app || app?.mode !== key.mode))
    report(`API key ${key.id}`, 'is bound to an app that is not there, or not as it says')
}

/** Not counted, since no export has them. One that has expired is asked for by nobody. */
async function examineKeptAnswers({ session, sealer, report }: Examiner): Promise<void> {
  const now = Math.floor(Date.now() / 1000)
  for await (const { scope, key, answer, expiresAt } of storedResponsesOf(session))
    if (expiresAt > now && opens(sealer, answer, `kept-answer ${scope} ${key}`) === null)
      report(`kept answer of ${shown(scope)}`, 'does not open with this master key')
}

/**
 * Opens every sealed key and holds every record against the rules that it must keep. Reads, and writes nothing.
 *
 * @throws {LicensingError} when the database cannot be read.
 */
export async function examine(
  reading: Pick<Reading, 'session' | 'keyCheck'>,
  masterKey: readonly string[],
): Promise<Examination> {
  const findings: Finding[] = []
  const report = (where: string, what: string): void => void findings.push({ where, what })
  const { session } = reading
  const checked = noCounts()
  const licensing = await createLicensing({ storage: storageOf(reading), masterKey })
  const examiner = { session, licensing, sealer: await createSealer(masterKey), checked, report }
  for await (const app of allOf((page) => session.listApps({}, page))) await examineApp(examiner, app)
  for await (const key of allOf((page) => session.listApiKeys({}, page))) await examineApiKey(examiner, key)
  await examineKeptAnswers(examiner)
  return { checked, findings }
}
