import { base64url } from 'jose'
import type { Context } from '../context.ts'
import { LicensingError } from '../errors.ts'
import { storedResponsePurpose } from '../keys/purposes.ts'
import type { NumericDate, StorageSession } from '../storage/index.ts'
import { day } from '../time.ts'

/** The part of a context that uses a name up. */
interface Sealing extends Pick<Context, 'runtime'> {
  readonly storage: Pick<StorageSession, 'insertStoredResponse'>
}

/** A name for one session or one link. */
export function newNonce(): string {
  return base64url.encode(crypto.getRandomValues(new Uint8Array(12)))
}

/** Seals an object under the master key. It opens under the same purpose alone. */
export function sealObject({ runtime }: Pick<Context, 'runtime'>, purpose: string, value: object): string {
  return runtime.sealer.seal(new TextEncoder().encode(JSON.stringify(value)), purpose)
}

/** Longer than any text that is sealed here. Nothing longer is worth a look. */
const longest = 1_024

/** The object in a text that this storage's servers have sealed under the purpose; `null` for any other text. */
export function openObject<Value extends object>(
  { runtime }: Context,
  purpose: string,
  text: string,
): Value | null {
  if (text.length > longest) return null
  try {
    return JSON.parse(new TextDecoder().decode(runtime.sealer.open(text, purpose))) as Value
  } catch (error) {
    if (error instanceof LicensingError && error.code === 'master_key') return null
    throw error
  }
}

/** No API key and no embedder has this name, so nobody else uses up a name below it. */
const scope = 'heartwood dashboard'

/** The clocks of two servers may differ, so a name stays used for longer than it could be used again. */
const margin = day

/**
 * Uses up a name on every server, because one caller of `insertStoredResponse` wins. The name is stored sealed: a rekey opens
 * every stored response.
 */
export async function useUp(context: Sealing, name: string, until: NumericDate): Promise<boolean> {
  const { storage, runtime } = context
  const answer = sealObject(context, storedResponsePurpose(scope, name), {})
  return storage.insertStoredResponse(
    { scope, key: name, fingerprint: '', answer, expiresAt: until + margin },
    runtime.now(),
  )
}

/** True if the name was used up, on any server. */
export async function isUsedUp({ storage, runtime }: Context, name: string): Promise<boolean> {
  return (await storage.findStoredResponse(scope, name, runtime.now())) !== null
}
