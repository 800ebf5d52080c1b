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
