import type { NumericDate, SigningKeyRecord, SigningKeyStorage } from '../../core/storage/index.ts'
import type { Runner } from './runner.ts'
import { type LookUps, requireParent } from './tables.ts'

export function signingKeyStorage({ read, write }: Runner): SigningKeyStorage {
  return {
    findActiveKey: (appId) => read((tables) => findActiveKey(tables, appId)),
    listSigningKeys: (appId) => read((tables) => keysOf(tables, appId).toSorted(activeThenNewest)),
    swapActiveKey: (appId, expectedKid, next, acceptOldUntil) =>
      write((tables) => {
        const keys = keysOf(tables, appId)
        const active = findActiveKey(tables, appId)
        const isKnown = keys.some((key) => key.kid === next.kid)
        if (isKnown || (active?.kid ?? null) !== expectedKid) return false
        requireParent(tables.apps.get(appId))
        const kept = acceptOldUntil === null ? [] : retire(keys, acceptOldUntil)
        tables.keyRings.replace({ id: appId, keys: [{ ...next, appId, acceptedUntil: null }, ...kept] })
        return true
      }),
  }
}

function keysOf({ keyRings }: LookUps, appId: string): readonly SigningKeyRecord[] {
  return keyRings.get(appId)?.keys ?? []
}

function findActiveKey(tables: LookUps, appId: string): SigningKeyRecord | null {
  return keysOf(tables, appId).find(isActive) ?? null
}

function isActive(key: SigningKeyRecord): boolean {
  return key.acceptedUntil === null
}

function retire(keys: readonly SigningKeyRecord[], acceptedUntil: NumericDate): SigningKeyRecord[] {
  return keys.map((key) => (isActive(key) ? { ...key, privateKey: null, acceptedUntil } : key))
}

function activeThenNewest(a: SigningKeyRecord, b: SigningKeyRecord): number {
  if (isActive(a) !== isActive(b)) return isActive(a) ? -1 : 1
  return b.createdAt - a.createdAt || (a.kid < b.kid ? 1 : -1)
}
