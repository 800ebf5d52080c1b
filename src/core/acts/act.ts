import type { Context } from '../context.ts'
import type { AppRecord, AuditEntryRecord, Mode } from '../storage/index.ts'
import type { Changes } from './changes.ts'

/** The kinds of target. */
export type TargetType =
  | 'app'
  | 'tier'
  | 'feature'
  | 'customer'
  | 'license'
  | 'license_key'
  | 'api_key'
  | 'webhook_delivery'
  | 'storage'

/** A thing that somebody has done. */
export interface Act {
  /** The app of the target; `null` for an act outside any app. */
  readonly appId: string | null
  readonly mode: Mode
  /** The type of its event, or a name in the same form. */
  readonly action: string
  readonly target: readonly [type: TargetType, id: string | null]
  /** The changed fields. Without any, nothing was done. `null`: the act changes no field. */
  readonly changes: Changes | null
}

/** An act on something inside an app, or on the app itself. */
export function actIn(
  { id, mode }: Pick<AppRecord, 'id' | 'mode'>,
  action: string,
  target: Act['target'],
  changes: Act['changes'],
): Act {
  return { appId: id, mode, action, target, changes }
}

function isNothing(changes: Changes | null): boolean {
  return changes !== null && Object.keys(changes).length === 0
}

/** The entry of an act; `undefined` if it changed nothing. */
export function entryOf(context: Context, act: Act): AuditEntryRecord | undefined {
  const { runtime, actor, requestId } = context
  const { appId, mode, action, target, changes } = act
  if (isNothing(changes)) return undefined
  return {
    id: runtime.newId('aud'),
    appId,
    mode,
    createdAt: runtime.now(),
    actorType: actor.type,
    actorId: actor.id,
    actorLabel: actor.label,
    action,
    targetType: target[0],
    targetId: target[1],
    changes: changes === null ? '{}' : JSON.stringify(changes),
    requestId,
    seq: null,
    mac: null,
  }
}

/** Writes entries of acts that read, such as to show a secret. They must be there before anybody sees it. */
export async function recordReads(context: Context, acts: readonly Act[]): Promise<void> {
  const entries = acts.flatMap((act) => entryOf(context, act) ?? [])
  if (entries.length > 0) await context.storage.insertAuditEntries(entries)
}
