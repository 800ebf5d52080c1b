import { calculateJwkThumbprint, exportJWK, importPKCS8, importSPKI, type JWK } from 'jose'
import { foldEmail } from '../../core/input/email.ts'
import { statusOf } from '../../core/token/decision.ts'
import { LicensingError } from '../../core/errors.ts'
import {
  privateKeyPurpose,
  storedResponsePurpose,
  tokenSecretPurpose,
  webhookSecretPurpose,
} from '../../core/keys/purposes.ts'
import { createLicensing, type Licensing } from '../../core/licensing.ts'
import { createSealer, type Sealer } from '../../core/runtime/sealer.ts'
import type { ApiKeyRecord, AppRecord, SigningKeyRecord, StorageSession } from '../../core/storage/index.ts'
import { isoTime } from '../../core/wire.ts'
import { readJti, verifyToken } from '../../core/token/token.ts'
import { chainFaults } from './chain-faults.ts'
import { checkLicenses } from './license-checks.ts'
import { storageOf, type Snapshot } from '../backup/snapshot.ts'
import {
  allOf,
  auditChainsOf,
  auditCheckpointsOf,
  auditEntriesOf,
  customersOf,
  deliveriesOf,
  licenseKeysOf,
  storedResponsesOf,
  noCounts,
  tiersOf,
  type Counts,
  type Kind,
  type Records,
} from '../backup/records.ts'
import { recordFault } from './record-fault.ts'
import { scopeFaults } from './scope-faults.ts'

/** A problem. */
export interface Finding {
  /** The kind and the id of the record, never a secret. */
  readonly where: string
  readonly what: string
}

/** The outcome of all checks. */
export interface CheckReport {
  readonly checked: Counts
  readonly findings: readonly Finding[]
  /** States that are right only if the vendor wanted them. */
  readonly notes: readonly Finding[]
}

export interface Checker {
  readonly session: StorageSession
  readonly licensing: Licensing
  readonly sealer: Sealer
  report(where: string, what: string): void
  note(where: string, what: string): void
  /** Counts a record, and reports if an import would refuse it. */
  visit<K extends Kind>(kind: K, where: string, record: Records[K]): void
}

/** The number of licenses of an app whose tokens are signed and verified. */
const sampleSize = 5

function openOrNull(sealer: Sealer, sealed: string, purpose: string): string | null {
  try {
    return new TextDecoder().decode(sealer.open(sealed, purpose))
  } catch {
    return null
  }
}

async function publicJwk(pem: string): Promise<JWK | null> {
  return importSPKI(pem, 'RS256', { extractable: true }).then(exportJWK, () => null)
}

async function isPair(privatePem: string, { n, e }: JWK): Promise<boolean> {
  const own = await importPKCS8(privatePem, 'RS256', { extractable: true }).then(exportJWK, () => null)
  return own?.n === n && own?.e === e
}

async function checkPrivateKey({ sealer, report }: Checker, key: SigningKeyRecord, jwk: JWK): Promise<void> {
  const { kid, appId, privateKey, acceptedUntil } = key
  if (acceptedUntil !== null) {
    if (privateKey !== null) report(`signing key ${kid}`, 'is retired and still has its private half')
    return
  }
  const pem = openOrNull(sealer, privateKey ?? '', privateKeyPurpose(appId, kid))
  if (pem === null) report(`signing key ${kid}`, 'does not open with this master key')
  else if (!(await isPair(pem, jwk))) report(`signing key ${kid}`, 'has halves that do not belong together')
}

async function checkKey(checker: Checker, key: SigningKeyRecord): Promise<void> {
  const where = `signing key ${key.kid}`
  checker.visit('signingKey', where, key)
  const jwk = await publicJwk(key.publicKeyPem)
  if (jwk === null) return checker.report(where, 'has a public half that cannot be read')
  if ((await calculateJwkThumbprint(jwk, 'sha256')) !== key.kid)
    checker.report(where, 'is not named by the thumbprint of its public half')
  await checkPrivateKey(checker, key, jwk)
}

async function checkKeys(checker: Checker, app: AppRecord): Promise<void> {
  const keys = await checker.session.listSigningKeys(app.id)
  const active = keys.filter((key) => key.acceptedUntil === null)
  if (active.length !== 1)
    checker.report(`app ${app.id}`, `has ${active.length} active signing keys, not one`)
  for (const key of keys) await checkKey(checker, key)
  const statements = await checker.session.listKeyStatements(app.id)
  for (const statement of statements)
    checker.visit('statement', `statement ${statement.seq} of app ${app.id}`, statement)
  for (const { where, what } of await chainFaults(app, statements, keys)) checker.report(where, what)
}

async function checkTiers({ session, visit, report }: Checker, app: AppRecord): Promise<Set<string>> {
  const tiers = new Set<string>()
  const known = new Set<string>()
  for await (const feature of allOf((page) => session.listFeatures(app.id, page))) {
    visit('feature', `feature ${feature.id}`, feature)
    known.add(feature.slug)
  }
  for await (const tier of tiersOf(session, app.id)) {
    visit('tier', `tier ${tier.id}`, tier)
    tiers.add(tier.id)
    if (!tier.features.every((slug) => known.has(slug)))
      report(`tier ${tier.id}`, 'has a feature of no such app')
  }
  return tiers
}

async function checkCustomers({ session, visit, report }: Checker, app: AppRecord): Promise<void> {
  for await (const customer of customersOf(session, app.id)) {
    visit('customer', `customer ${customer.id}`, customer)
    if (customer.foldedEmail !== foldEmail(customer.email))
      report(`customer ${customer.id}`, 'is not found by its e-mail: it is folded in another way')
  }
}

async function checkLicenseKeys(
  { session, visit, report, note }: Checker,
  app: AppRecord,
  tiers: ReadonlySet<string>,
): Promise<void> {
  for await (const key of licenseKeysOf(session, app.id)) {
    const where = `license key ${key.id}`
    visit('licenseKey', where, key)
    if ((await session.findCustomer(app.id, key.customerId)) === null)
      report(where, 'is of a customer that its app does not have')
    if (key.tierId !== null && !tiers.has(key.tierId))
      report(where, 'is of a tier that its app does not have')
    if (key.starts === 'activation' && key.durationDays === null)
      report(where, 'starts with its first activation, and has no duration')
    const taken = await session.countSeats(key.id)
    if (taken > key.seats)
      note(where, `has ${taken} taken seats of ${key.seats}, so the vendor has lowered their number`)
  }
}

async function checkWebhook(checker: Checker, app: AppRecord): Promise<void> {
  const { session, sealer, visit, report, note } = checker
  const webhook = await session.findWebhook(app.id)
  if (webhook !== null) visit('webhook', `webhook of app ${app.id}`, webhook)
  if (webhook !== null && webhook.queueFullAt !== null)
    note(
      `app ${app.id}`,
      `has a full webhook queue since ${isoTime(webhook.queueFullAt)} (webhook_queue_full). Events dropped so far: ${webhook.droppedEvents}`,
    )
  for (const secret of [webhook?.secret ?? null, webhook?.previousSecret ?? null])
    if (secret !== null && openOrNull(sealer, secret, webhookSecretPurpose(app.id)) === null)
      report(`app ${app.id}`, 'has a webhook secret that does not open with this master key')
  for await (const delivery of deliveriesOf(session, app.id)) {
    const { id, state, dueAt } = delivery
    visit('delivery', `delivery ${id}`, delivery)
    if ((state === 'pending') !== (dueAt !== null))
      report(`delivery ${id}`, 'is due without being pending, or pending without being due')
  }
}

/** Signs a token as the server does, and verifies it under the public key that the server publishes. */
async function checkToken(
  { session, licensing, report }: Checker,
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

async function checkApp(checker: Checker, app: AppRecord): Promise<void> {
  const { sealer, visit, report } = checker
  visit('app', `app ${app.id}`, app)
  if (openOrNull(sealer, app.tokenSecret, tokenSecretPurpose(app.id)) === null)
    report(`app ${app.id}`, 'has a token secret that does not open with this master key')
  await checkKeys(checker, app)
  const tiers = await checkTiers(checker, app)
  await checkCustomers(checker, app)
  await checkLicenseKeys(checker, app, tiers)
  await checkWebhook(checker, app)
  const now = Math.floor(Date.now() / 1000)
  const sample: string[] = []
  await checkLicenses(checker, app, tiers, (license) => {
    if (sample.length < sampleSize && statusOf(license, now) === 'active') sample.push(license.id)
  })
  for (const id of sample) await checkToken(checker, app, id)
}

async function checkApiKey({ session, visit, report }: Checker, key: ApiKeyRecord): Promise<void> {
  visit('apiKey', `API key ${key.id}`, key)
  const app = key.appId === null ? null : await session.findApp(key.appId)
  const isBound = key.appId !== null || key.app !== null
  if (isBound && (app?.id !== key.appId || app?.slug !== key.app || app?.mode !== key.mode))
    report(`API key ${key.id}`, 'is bound to an app that is not there, or not as it says')
  for (const fault of scopeFaults(key)) report(`API key ${key.id}`, fault)
}

/** Counts none, because no export holds them. Skips expired ones, because no request reads them. */
async function checkStoredResponses({ session, sealer, report }: Checker): Promise<void> {
  const now = Math.floor(Date.now() / 1000)
  for await (const { scope, key, answer, expiresAt } of storedResponsesOf(session))
    if (expiresAt > now && openOrNull(sealer, answer, storedResponsePurpose(scope, key)) === null)
      report(`kept answer of ${scope}`, 'does not open with this master key')
}

async function checkAudit({ session, licensing, visit, report }: Checker): Promise<void> {
  for await (const entry of auditEntriesOf(session)) visit('auditEntry', `audit entry ${entry.id}`, entry)
  for (const chain of await auditChainsOf(session)) visit('auditChain', 'audit chain', chain)
  for await (const checkpoint of auditCheckpointsOf(session))
    visit('auditCheckpoint', `audit checkpoint ${checkpoint.seq} of app ${checkpoint.appId}`, checkpoint)
  const { fault } = await licensing.audit.verify()
  if (fault !== null) report('audit log', `is broken. ${fault.reason}`)
}

/**
 * Opens every sealed secret and checks every record. It only reads.
 *
 * @throws {LicensingError} if the database cannot be read.
 */
export async function checkRecords(
  snapshot: Pick<Snapshot, 'session' | 'keyCheck'>,
  masterKey: readonly string[],
): Promise<CheckReport> {
  const findings: Finding[] = []
  const notes: Finding[] = []
  const report = (where: string, what: string): void => void findings.push({ where, what })
  const note = (where: string, what: string): void => void notes.push({ where, what })
  const { session } = snapshot
  const checked = noCounts()
  const licensing = await createLicensing({ storage: storageOf(snapshot), masterKey })
  const visit: Checker['visit'] = (kind, where, record) => {
    checked[kind]++
    const fault = recordFault(kind, record)
    if (fault !== null) report(where, fault)
  }
  const checker = { session, licensing, sealer: await createSealer(masterKey), report, note, visit }
  for await (const app of allOf((page) => session.listApps({}, page))) await checkApp(checker, app)
  for await (const key of allOf((page) => session.listApiKeys({}, page))) await checkApiKey(checker, key)
  await checkStoredResponses(checker)
  await checkAudit(checker)
  return { checked, findings, notes }
}
