import type {
  NumericDate,
  Retirement,
  SigningKeyRecord,
  SigningKeyStorage,
} from '../../core/storage/index.ts'
import { takenError } from '../errors.ts'
import { insertKeyStatement } from './key-statements.ts'
import type { Runner } from './runner.ts'
import { type LookUps, requireParent } from './tables.ts'

export function signingKeyStorage({ read, write }: Runner): SigningKeyStorage {
  return {
    findActiveKey: (appId) => read((tables) => findActiveKey(tables, appId)),
    listSigningKeys: (appId) => read((tables) => keysOf(tables, appId).toSorted(activeThenNewest)),
    swapActiveKey: (
      appId,
      expectedKid,
      next,
      acceptOldUntil,
      retirement = rotatedFor(next),
      statements = [],
    ) =>
      write((tables) => {
        const keys = keysOf(tables, appId)
        const old = findActiveKey(tables, appId)
        const isKnown = keys.some((key) => key.kid === next.kid)
        if (isKnown || (old?.kid ?? null) !== expectedKid) return false
        requireParent(tables.apps.get(appId))
        const retired = retire(keys, acceptOldUntil, retirement)
        const active = { ...next, appId, acceptedUntil: null, retiredAt: null, retiredReason: null }
        tables.keyRings.replace({ id: appId, keys: [active, ...retired] })
        for (const statement of statements) if (!insertKeyStatement(tables, statement)) throw takenError()
        return true
      }),
    endGracePeriods: (appId, kids) =>
      write((tables) => {
        const keys = keysOf(tables, appId)
        const isEnded = (key: SigningKeyRecord): boolean => !isActive(key) && kids.includes(key.kid)
        if (!keys.some(isEnded)) return
        const changed = keys.map((key) => (isEnded(key) ? { ...key, acceptedUntil: 0 } : key))
        tables.keyRings.replace({ id: appId, keys: changed })
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

function rotatedFor({ createdAt }: SigningKeyRecord): Retirement {
  return { retiredAt: createdAt, retiredReason: 'rotated' }
}

function retire(
  keys: readonly SigningKeyRecord[],
  acceptOldUntil: NumericDate | null,
  retirement: Retirement,
): SigningKeyRecord[] {
  const acceptedUntil = acceptOldUntil ?? 0
  return keys.map((key) => {
    if (isActive(key)) return { ...key, ...retirement, privateKey: null, acceptedUntil }
    return acceptOldUntil === null ? { ...key, acceptedUntil } : key
  })
}

function activeThenNewest(a: SigningKeyRecord, b: SigningKeyRecord): number {
  if (isActive(a) !== isActive(b)) return isActive(a) ? -1 : 1
  return b.createdAt - a.createdAt || (a.kid < b.kid ? 1 : -1)
}
