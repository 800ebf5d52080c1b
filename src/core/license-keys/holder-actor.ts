import { type Actor, embedder } from '../actor.ts'
import type { Context } from '../context.ts'
import type { LicenseKeyCredential } from './credential.ts'

/** The holder of a license key, as an actor. */
export function holderOf({ key }: LicenseKeyCredential): Actor {
  return { type: 'license_key', id: key.id, label: null }
}

/** The same context in the name of the holder, unless the host has named somebody. */
export function withHolder(context: Context, holder: Actor | null): Context {
  return holder === null || context.actor !== embedder ? context : { ...context, actor: holder }
}
