import type { AuditEntryRecord } from '../storage/index.ts'

/**
 * The text of an entry that its `mac` covers: JSON by RFC 8785, whose members are in the order of their names. Logs of many
 * years hold such codes, so it never changes. A member that a later version adds is left out where it is `null`.
 */
export function canonicalText(entry: Omit<AuditEntryRecord, 'seq' | 'mac'>, seq: number | null): string {
  return JSON.stringify({
    action: entry.action,
    actor_id: entry.actorId,
    actor_label: entry.actorLabel,
    actor_type: entry.actorType,
    app_id: entry.appId,
    changes: entry.changes,
    created_at: entry.createdAt,
    id: entry.id,
    mode: entry.mode,
    request_id: entry.requestId,
    seq,
    target_id: entry.targetId,
    target_type: entry.targetType,
    v: 1,
  })
}

/** An entry as a line of JSON. Without its last member, `mac`, it is the text that the mac covers. */
export function auditLine(entry: AuditEntryRecord): string {
  return `${canonicalText(entry, entry.seq).slice(0, -1)},"mac":${JSON.stringify(entry.mac)}}`
}
