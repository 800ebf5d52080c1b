// A sealing purpose is associated data of the ciphertext: it names the secret and its place. A changed purpose opens nothing
// that is stored, so none of these may ever change.

/** The purpose of an app's private signing key, a PEM. */
export function privateKeyPurpose(appId: string, kid: string): string {
  return `private-key ${appId} ${kid}`
}

/** The purpose of the secret under which an app's `jti`s are made. */
export function tokenSecretPurpose(appId: string): string {
  return `token-secret ${appId}`
}

/** The purpose of an app's webhook secret, and of the one before it. */
export function webhookSecretPurpose(appId: string): string {
  return `webhook-secret ${appId}`
}

/** The purpose of a response that is stored under an idempotency key. */
export function storedResponsePurpose(scope: string, key: string): string {
  return `kept-answer ${scope} ${key}`
}

/** The purpose of the earlier audit keys, with the parts of the chain that they sealed. */
export const auditSpansPurpose = 'audit-spans'

/** The purpose of the last entry that was pruned from the audit log. */
export const auditStartPurpose = 'audit-start'

/** The context in which a master key gives its audit key (the `info` of RFC 5869). */
export const auditKeyContext = 'heartwood audit log v1'
