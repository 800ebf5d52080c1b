/** The place of a sealed text: one that only a master key opens. */
export type SecretLocation =
  | { readonly kind: 'keyCheck' }
  | { readonly kind: 'tokenSecret'; readonly appId: string }
  | { readonly kind: 'privateKey'; readonly appId: string; readonly kid: string }
  | { readonly kind: 'storedResponse'; readonly scope: string; readonly key: string }

/** The check record of the master key, and the way to a new master key. */
export interface SecretStorage {
  /** Stores `sealed` unless a check record exists. Resolves to the stored check record. */
  claimKeyCheck(sealed: string): Promise<string>
  /**
   * Replaces `expected` by `next`. Resolves to `false` and writes nothing if another text, or none, is there. So it does not
   * overwrite a text that was sealed meanwhile, and a destroyed text does not come back. `updateWebhook` changes the secrets
   * of a webhook.
   */
  reseal(location: SecretLocation, expected: string, next: string): Promise<boolean>
}
