import keyPairs from './key-pairs.json' with { type: 'json' }
import recoveryPairs from './recovery-keys.json' with { type: 'json' }

/** Fixed RSA-4096 pairs, because making one takes seconds. They are public and protect nothing. */
export const testKeyPairs: readonly { readonly publicKeyPem: string; readonly privateKeyPem: string }[] =
  keyPairs

/** Hands out the fixed pairs in turn. The seventh call gives the first again. */
export function keyPairSource(): () => Promise<{ publicKeyPem: string; privateKeyPem: string }> {
  let used = 0
  return async () => testKeyPairs[used++ % testKeyPairs.length]!
}

/** Fixed recovery keys. They have 2,048 bits, which is enough for one, so that tests sign fast. */
export const recoveryKeys: readonly { readonly publicKeyPem: string; readonly privateKeyPem: string }[] =
  recoveryPairs
