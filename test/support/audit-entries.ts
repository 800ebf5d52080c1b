import { TypeID } from 'typeid-js'
import type { AuditEntryRecord, Storage } from '../../src/core/index.ts'
import { start } from './fixtures.ts'

/** The id with this number. Ids sort by their numbers, and are none of `risingIds`. */
export function entryId(number: number): string {
  const digits = number.toString(16).padStart(12, '0')
  return TypeID.fromUUID('aud', `019be1a0-0000-7000-9000-${digits}`).toString()
}

/** An entry in which every field has a value. */
export function newEntry(number: number, given: Partial<AuditEntryRecord> = {}): AuditEntryRecord {
  return {
    id: entryId(number),
    appId: null,
    mode: 'live',
    createdAt: start + number,
    actorType: 'api_key',
    actorId: 'key_1',
    actorLabel: 'Łódź "shop" 🌳',
    action: 'license.revoked',
    targetType: 'license',
    targetId: `lic_${number}`,
    changes: `{"revoked_at":[null,"2026-01-23T10:00:00Z"],"number":[${number},${number + 1}]}`,
    requestId: `request-${number}`,
    seq: null,
    mac: null,
    ...given,
  }
}

export function newEntries(
  count: number,
  given: Partial<AuditEntryRecord> = {},
  first = 1,
): AuditEntryRecord[] {
  return Array.from({ length: count }, (_, at) => newEntry(first + at, given))
}

/** Writes entries in batches. */
export async function addEntries(storage: Storage, entries: readonly AuditEntryRecord[]): Promise<void> {
  for (let at = 0; at < entries.length; at += 500)
    await storage.insertAuditEntries(entries.slice(at, at + 500))
}
