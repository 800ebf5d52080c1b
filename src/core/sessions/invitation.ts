import { type Act, recordReads } from '../acts/act.ts'
import { isGoodKey, managedKey } from '../api-keys/api-keys.ts'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import type { ApiKeyRecord, NumericDate } from '../storage/index.ts'
import { inTransaction } from '../transaction.ts'
import { newNonce, openObject, sealObject, useUp } from './sealed.ts'

/**
 * A link that signs a person in to the dashboard, once.
 *
 * @example
 * ```ts
 * import type { Invitation } from 'heartwood'
 *
 * const addressOf = ({ url }: Invitation): string => new URL(url, 'https://licenses.example.com/').href
 * ```
 */
export interface Invitation {
  /**
   * The address of the page that takes it. In process it is relative to the address of the server. Whoever opens it first is
   * signed in: show it to one person alone.
   */
  readonly url: string
  /** Ten minutes later, in seconds since 1970. */
  readonly expiresAt: NumericDate
}

/** Invitations to the dashboard: `licensing.apiKeys.invite`. */
export interface Invitations {
  /**
   * Makes a link that signs one person in to the dashboard with the rights of this key. It lives for ten minutes, works once
   * over all servers of the storage, and dies with the key. Under {@link Licensing.restrictedTo} the caller must be able to
   * manage the key: no key invites one that may do more than itself.
   * @throws {LicensingError} `not_found`, `forbidden`; `conflict` if the key is revoked or expired.
   */
  invite(id: string): Promise<Invitation>
}

/** The content of a link. */
interface Link {
  readonly nonce: string
  readonly keyId: string
  readonly expiresAt: NumericDate
}

const lifetime = 600
const purpose = 'dashboard-link'
/** The secret is behind the `#`, so no log, no proxy and no Referer gets it. */
const page = 'dashboard#/in/'

async function invite(context: Context, id: string): Promise<Invitation> {
  const key = await managedKey(context, id)
  const now = context.runtime.now()
  if (!isGoodKey(key, now)) throw new LicensingError('conflict', 'API key is revoked or expired')
  const expiresAt = now + lifetime
  const link: Link = { nonce: newNonce(), keyId: key.id, expiresAt }
  // The link gives the rights of the key to whoever opens it, so the audit log has it first.
  await recordReads(context, [keyAct('api_key.invited', key)])
  return { url: page + sealObject(context, purpose, link), expiresAt }
}

export function bindInvitations(context: Context): Invitations {
  return { invite: (id) => invite(context, id) }
}

function keyAct(action: string, { id, appId, mode }: ApiKeyRecord): Act {
  return { appId, mode, action, target: ['api_key', id], changes: null }
}

/** Uses the link up, with the entry of whoever has opened it. Resolves to `null` if it is used up. */
function use(context: Context, link: Link, key: ApiKeyRecord): Promise<ApiKeyRecord | null> {
  const named: Context = { ...context, actor: { type: 'api_key', id: key.id, label: key.name } }
  return inTransaction(named, async (tx, _emit, note) => {
    const storage = { insertStoredResponse: tx.insertStoredResponse.bind(tx) }
    if (!(await useUp({ ...named, storage }, `link ${link.nonce}`, link.expiresAt))) return null
    note(keyAct('api_key.link_used', key))
    return key
  })
}

/** Uses a link up. Resolves to the id of its key, or to `null` if the link is unknown, over or used up, or its key is gone. */
export async function redeem(context: Context, text: string): Promise<string | null> {
  const link = openObject<Link>(context, purpose, text)
  if (link === null || context.runtime.now() >= link.expiresAt) return null
  const key = await context.storage.findApiKey(link.keyId)
  return key === null ? null : ((await use(context, link, key))?.id ?? null)
}
