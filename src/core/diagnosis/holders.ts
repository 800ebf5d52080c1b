import type { Context } from '../context.ts'
import { foldEmail } from '../input/email.ts'
import { may } from '../principal.ts'
import type { AppRecord, CustomerRecord, LicenseKeyRecord, LicenseRecord } from '../storage/index.ts'
import { keyCandidate, licenseCandidate, toChoose } from './candidates.ts'
import type { Diagnosis, DiagnosisKind } from './diagnosis.ts'
import { diagnoseGone } from './gone.ts'
import { failedAt, type Failed, type Passed, type Step } from './ladder.ts'
import { diagnoseKey, noAccess, type KeyFacts } from './license-key-ladder.ts'
import { diagnoseLicense, noLicense } from './licenses.ts'
import { maxValues } from './recognition.ts'
import { askForMore, issueAgain } from './remedies.ts'
import { findEach, listOf, sameApp, type Found, type Sought } from './whereabouts.ts'
import { timeOf } from './wording.ts'

/** The license keys of each app, as the ladder takes them. They need no text. */
function byRecord({ app, thing }: Found<LicenseKeyRecord>): KeyFacts {
  return { app, key: thing, worksUntil: null }
}

/** Diagnoses the ids of license keys. */
export async function diagnoseLicenseKeyIds(context: Context, ids: readonly string[]): Promise<Diagnosis> {
  if (!may(context.principal, 'license_keys:read'))
    return failedAt('license_key_id', 'access', noAccess('license keys', 'license_keys:read'))
  const found = await findEach(
    context,
    ids,
    async (app, id) => listOf(await context.storage.findLicenseKey(app.id, id)),
    (text) => ({ kinds: ['license_key'], text }),
  )
  const [first, second] = found
  if (first === undefined) {
    const gone = await diagnoseGone(context, 'license_key_id', 'license_key', ids)
    if (gone !== null) return gone
    const sentence = 'No app of this key has this license key: it was deleted, or nobody ever made it.'
    return failedAt('license_key_id', 'license_key', {
      ...noLicense(sentence),
      cause: 'license_key_unknown',
    })
  }
  if (second === undefined) return diagnoseKey(context, 'license_key_id', byRecord(first))
  const now = context.runtime.now()
  const candidates = found.map(({ app, thing }) => keyCandidate(app, thing, now))
  return toChoose('license_key_id', candidates, sameApp(found))
}

/** Things to which the name or the number of a customer or sale leads. */
interface Belongings {
  readonly customers: readonly Found<CustomerRecord>[]
  readonly licenses: readonly Found<LicenseRecord>[]
  readonly keys: readonly Found<LicenseKeyRecord>[]
}

/** One page of the licenses and license keys of a customer. */
async function belongingsOf(
  { storage, runtime, principal }: Context,
  { app, thing }: Found<CustomerRecord>,
): Promise<Pick<Belongings, 'licenses' | 'keys'>> {
  const filter = { appId: app.id, customerId: thing.id, now: runtime.now() }
  const page = { limit: maxValues }
  const [licenses, keys] = await Promise.all([
    storage.listLicenses(filter, page),
    may(principal, 'license_keys:read') ? storage.listLicenseKeys(filter, page) : [],
  ])
  const within = <Thing>(things: readonly Thing[]): readonly Found<Thing>[] =>
    things.map((each) => ({ app, thing: each }))
  return { licenses: within(licenses), keys: within(keys) }
}

async function belongings(
  context: Context,
  customers: readonly Found<CustomerRecord>[],
  sold: readonly Found<LicenseKeyRecord>[],
): Promise<Belongings> {
  const all = { licenses: [] as Found<LicenseRecord>[], keys: [...sold] }
  for (const customer of customers.slice(0, maxValues)) {
    const { licenses, keys } = await belongingsOf(context, customer)
    all.licenses.push(...licenses)
    all.keys.push(...keys)
  }
  const keys = [...new Map(all.keys.map((each) => [each.thing.id, each])).values()]
  return { customers, licenses: all.licenses, keys }
}

function customerIs({ app, thing }: Found<CustomerRecord>): Passed {
  const { id, email, name, createdAt } = thing
  const called = name === null || name === '' ? email : `${name} (${email})`
  return {
    sentence: `The customer ${called} of ${app.name} exists since ${timeOf(createdAt)}.`,
    facts: { customerId: id, createdAt },
  }
}

function hasNothing({ app }: Found<CustomerRecord>): Failed {
  return {
    cause: 'no_license',
    code: 'not_found',
    sentence: `The customer exists in ${app.name}, but has no license and no license key.`,
    remedy: issueAgain(app),
  }
}

/** The one license that is meant: the only one, without a license key or as its only seat. */
function onlyLicense({ licenses, keys }: Belongings): Found<LicenseRecord> | null {
  const [license, another] = licenses
  if (license === undefined || another !== undefined) return null
  return keys.every(({ thing }) => thing.id === license.thing.licenseKeyId) ? license : null
}

async function diagnoseBelongings(
  context: Context,
  kind: DiagnosisKind,
  all: Belongings,
  missing: Failed,
): Promise<Diagnosis> {
  const { customers, licenses, keys } = all
  const [customer] = customers
  const before: readonly Step[] =
    customer !== undefined && customers.length === 1 ? [['customer', () => customerIs(customer)]] : []
  const license = onlyLicense(all)
  if (license !== null) return diagnoseLicense(context, kind, license, {}, before)
  const [key] = keys
  if (key !== undefined && keys.length + licenses.length === 1)
    return diagnoseKey(context, kind, byRecord(key), before)
  if (keys.length + licenses.length === 0) {
    if (customer === undefined) return failedAt(kind, 'customer', missing)
    return failedAt(kind, 'customer', hasNothing(customer), customer.app.slug)
  }
  const now = context.runtime.now()
  const candidates = [
    ...keys.map(({ app, thing }) => keyCandidate(app, thing, now)),
    ...licenses.map(({ app, thing }) => licenseCandidate(app, thing, now)),
  ]
  return toChoose(kind, candidates, sameApp([...keys, ...licenses]))
}

async function diagnoseCustomers(
  context: Context,
  kind: DiagnosisKind,
  values: readonly string[],
  find: (app: AppRecord, value: string) => Promise<CustomerRecord | null>,
  soughtBy: (value: string) => Sought,
): Promise<Diagnosis> {
  if (!may(context.principal, 'customers:read'))
    return failedAt(kind, 'access', noAccess('customers', 'customers:read'))
  const customers = await findEach(
    context,
    values,
    async (app, value) => listOf(await find(app, value)),
    soughtBy,
  )
  const sentence = 'No app of this key has this customer.'
  return diagnoseBelongings(
    context,
    kind,
    await belongings(context, customers, []),
    noLicense(sentence, `Perhaps the order has another e-mail address. ${askForMore}`),
  )
}

/** Diagnoses the ids of customers. */
export function diagnoseCustomerIds(context: Context, ids: readonly string[]): Promise<Diagnosis> {
  return diagnoseCustomers(
    context,
    'customer',
    ids,
    (app, id) => context.storage.findCustomer(app.id, id),
    (text) => ({ kinds: ['customer'], text }),
  )
}

/** Diagnoses e-mail addresses of customers. */
export function diagnoseEmails(context: Context, emails: readonly string[]): Promise<Diagnosis> {
  return diagnoseCustomers(
    context,
    'email',
    emails,
    (app, email) => context.storage.findCustomerByEmail(app.id, foldEmail(email)),
    (email) => ({ kinds: ['customer'], emailPrefix: foldEmail(email) }),
  )
}

/** Diagnoses the number of a customer or a sale; `null` if it is none. */
export async function diagnoseExternalId(context: Context, name: string): Promise<Diagnosis | null> {
  const { storage, principal } = context
  const customers = may(principal, 'customers:read')
    ? await findEach(
        context,
        [name],
        async (app, id) => listOf(await storage.findCustomerByExternalId(app.id, id)),
        (text) => ({ kinds: ['customer'], text }),
      )
    : []
  const sold = may(principal, 'license_keys:read')
    ? await findEach(
        context,
        [name],
        async (app, id) => listOf(await storage.findLicenseKeyByExternalId(app.id, id)),
        (text) => ({ kinds: ['license_key'], text }),
      )
    : []
  if (customers.length === 0 && sold.length === 0) return null
  const all = await belongings(context, customers, sold)
  return diagnoseBelongings(context, 'external_id', all, noLicense('It leads to no license.'))
}
