import { LicensingError } from '../errors.ts'
import { retryUntilWon } from '../retry.ts'
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
 * Reseals the check record under the first master key. Resolves to `false` if it is already.
 *
 * @throws {LicensingError} `conflict` if other servers keep resealing it under another key.
 */
export async function resealKeyCheck(storage: StorageSession, sealer: Sealer): Promise<boolean> {
  const attempt = async (): Promise<boolean | null> => {
    const sealed = await storage.claimKeyCheck(newCheck(sealer))
    const next = sealer.reseal(sealed, purpose)
    if (next === null) return false
    return (await storage.reseal({ kind: 'keyCheck' }, sealed, next)) ? true : null
  }
  const lost = () => new LicensingError('conflict', 'Others put the check record under another master key')
  return retryUntilWon(attempt, { lost })
}
