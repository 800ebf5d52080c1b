import { base64url } from 'jose'
import { keyPrefixOf } from '../apps.ts'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { uuidOf } from '../ids.ts'
import { tokenSecretOf } from '../keys/signing-keys.ts'
import { requireApp } from '../lookup.ts'
import type { OnApp } from '../outcomes.ts'
import type { Permission } from '../principal.ts'
import type { AppRecord, LicenseKeyRecord, NumericDate } from '../storage/index.ts'
import { deriveLicenseKey, handleOf, revisionOf } from './derivation.ts'
import { formatLicenseKey, hasRightCheckSymbols, readLicenseKey } from './text.ts'

/** Characters of any text that is looked at. A key of ours that mail has broken up is shorter. */
const longest = 1_000

const aliasLabel = new TextEncoder().encode('heartwood alias v1\0')
const aliasForm = /^[A-Za-z0-9_-]{16,128}$/
const uuidForm = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/

/** The way in which a text opened a license key. */
type Proof = { readonly revision: number } | { readonly aliasHash: string }

/**
 * A license key that was recognised by its text, for one request. The use cases of holders accept it in place of the text.
 * `licenseKeys.authenticate` makes it, so that a server can check the credential before it reads the rest of a request.
 */
export class LicenseKeyCredential {
  readonly app: AppRecord
  /** The record as it was read with the text. */
  readonly key: LicenseKeyRecord
  readonly #proof: Proof

  constructor(app: AppRecord, key: LicenseKeyRecord, proof: Proof) {
    this.app = app
    this.key = key
    this.#proof = proof
  }

  /** True if the text still opens the license key, which may have been rolled since. */
  opens(key: LicenseKeyRecord, now: NumericDate): boolean {
    const proof = this.#proof
    if ('aliasHash' in proof) return key.aliasHash === proof.aliasHash && isAliasGood(key, now)
    return acceptedRevisions(key, now).includes(proof.revision)
  }
}

/** One message for every cause, because a stranger must not learn which one it is. */
export function invalidLicenseKey(): LicensingError {
  return new LicensingError('invalid_license_key', 'Invalid license key')
}

function isAliasGood({ aliasUntil }: LicenseKeyRecord, now: NumericDate): boolean {
  return aliasUntil === null || now < aliasUntil
}

/** The revisions whose texts work now, the newest first. */
export function acceptedRevisions(
  { keyRevision, previousUntil }: LicenseKeyRecord,
  now: NumericDate,
): number[] {
  return previousUntil !== null && now < previousUntil ? [keyRevision, keyRevision - 1] : [keyRevision]
}

/** The text of a license key in its usual form. It is derived from the record and a secret of the app. */
export function textOf(context: Context, app: AppRecord, key: LicenseKeyRecord): string {
  const secret = tokenSecretOf(context, app)
  const facts = { handle: key.handle, uuid: uuidOf(key.id), revision: key.keyRevision }
  return formatLicenseKey(deriveLicenseKey(secret, facts), keyPrefixOf(app))
}

/** The stored form of another shop's key: a keyed hash. UUIDs are one in any case. */
export function aliasHashOf(context: Context, app: AppRecord, alias: string): string {
  const form = uuidForm.test(alias) ? alias.toLowerCase() : alias
  const message = new Uint8Array([...aliasLabel, ...new TextEncoder().encode(form)])
  return base64url.encode(tokenSecretOf(context, app).mac(message))
}

/** The fields that keep another shop's key. */
export function aliasFields(
  context: Context,
  app: AppRecord,
  alias: string | null | undefined,
): Pick<LicenseKeyRecord, 'aliasHash' | 'aliasLastFour' | 'aliasUntil'> {
  if (alias === null || alias === undefined) return { aliasHash: null, aliasLastFour: null, aliasUntil: null }
  const aliasHash = aliasHashOf(context, app, alias)
  return { aliasHash, aliasLastFour: alias.slice(-4), aliasUntil: null }
}

/** Finds a license key by our own text. */
async function openOwn(
  context: Context,
  app: AppRecord,
  symbols: string,
): Promise<LicenseKeyCredential | null> {
  const key = await context.storage.findLicenseKeyByHandle(app.id, handleOf(symbols))
  const revision = revisionOf(tokenSecretOf(context, app), symbols, key)
  if (key === null || revision === null) return null
  const credential = new LicenseKeyCredential(app, key, { revision })
  return credential.opens(key, context.runtime.now()) ? credential : null
}

/** Finds a license key by the key of another shop. */
async function openAlias(
  context: Context,
  app: AppRecord,
  text: string,
): Promise<LicenseKeyCredential | null> {
  if (!aliasForm.test(text)) return null
  const aliasHash = aliasHashOf(context, app, text)
  const key = await context.storage.findLicenseKeyByAlias(app.id, aliasHash)
  if (key === null || !isAliasGood(key, context.runtime.now())) return null
  return new LicenseKeyCredential(app, key, { aliasHash })
}

async function open(context: Context, app: AppRecord, text: unknown): Promise<LicenseKeyCredential> {
  if (typeof text !== 'string' || text.length > longest) throw invalidLicenseKey()
  const symbols = readLicenseKey(text, keyPrefixOf(app))
  const own = symbols !== null && hasRightCheckSymbols(symbols) ? await openOwn(context, app, symbols) : null
  const credential = own ?? (await openAlias(context, app, text.trim()))
  if (credential === null) throw invalidLicenseKey()
  return credential
}

/**
 * Recognises the text of a license key. A credential is used as it is.
 *
 * @throws {LicensingError} `not_found` for the app; `invalid_license_key`, the same for every cause.
 */
export async function requireLicenseKey(
  context: Context,
  app: string,
  licenseKey: unknown,
  permission: Permission = 'public',
  onApp: OnApp = () => {},
): Promise<LicenseKeyCredential> {
  if (!(licenseKey instanceof LicenseKeyCredential)) {
    const record = await requireApp(context, app, permission)
    onApp(record)
    return open(context, record, licenseKey)
  }
  const { app: known } = licenseKey
  if (app !== known.id && app !== known.slug) throw invalidLicenseKey()
  onApp(known)
  await requireApp({ ...context, app: known }, app, permission)
  return licenseKey
}
