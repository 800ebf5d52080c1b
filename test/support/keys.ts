import keyPairs from './key-pairs.json' with { type: 'json' }

/** Fixed RSA-4096 pairs, since making one costs seconds. They protect nothing: they stand in a public repository. */
export const testKeyPairs: readonly { readonly publicKeyPem: string; readonly privateKeyPem: string }[] =
  keyPairs

/** Hands out the fixed pairs in turn; the seventh call gives the first again. */
export function keyPairSource(): () => Promise<{ publicKeyPem: string; privateKeyPem: string }> {
  let used = 0
  return async () => testKeyPairs[used++ % testKeyPairs.length]!
}
