import { LicensingError } from '../errors.ts'
import type { Storage, StorageSession } from '../storage/index.ts'
import type { Sealer } from './sealer.ts'

const purpose = 'key-check'

function newCheck(sealer: Sealer): string {
  return sealer.seal(new TextEncoder().encode('heartwood'), purpose)
}

/**
 * Compares the master key with the storage's check record. A storage without a check record gets one.
 *
 * @throws {LicensingError} `master_key` if none of the keys opens the check record.
 */
export async function checkMasterKey(storage: Storage, sealer: Sealer): Promise<void> {
  const sealed = await storage.claimKeyCheck(newCheck(sealer))
  try {
    sealer.open(sealed, purpose)
  } catch (cause) {
    throw new LicensingError('master_key', 'Wrong master key: it does not open this storage', { cause })
  }
}

/**
 * Reseals the check record under the first master key. Resolves to `false` if it is already, and to `null` if another server
 * was faster.
 */
export async function resealKeyCheck(session: StorageSession, sealer: Sealer): Promise<boolean | null> {
  const sealed = await session.claimKeyCheck(newCheck(sealer))
  const next = sealer.reseal(sealed, purpose)
  if (next === null) return false
  return (await session.reseal({ kind: 'keyCheck' }, sealed, next)) ? true : null
}
