import { LicensingError } from '../errors.ts'
import { retryUntilWon } from '../retry.ts'
import type { Sealer } from './sealer.ts'
import type { Storage } from '../storage/index.ts'

const purpose = 'key-check'

function newCheck(sealer: Sealer): string {
  return sealer.seal(new TextEncoder().encode('heartwood'), purpose)
}

/**
 * Holds the master key against the storage's check record, writing one only into a storage that has none.
 *
 * @throws {LicensingError} `master_key` when none of the keys made it.
 */
export async function checkMasterKey(storage: Storage, sealer: Sealer): Promise<void> {
  const standing = await storage.claimKeyCheck(newCheck(sealer))
  try {
    sealer.open(standing, purpose)
  } catch (cause) {
    throw new LicensingError('master_key', 'Wrong master key: it does not open this storage', { cause })
  }
}

/**
 * Puts the check record under the first master key. Resolves to `false` when it is already.
 *
 * @throws {LicensingError} `conflict` when others put it under another one.
 */
export async function resealKeyCheck(storage: Storage, sealer: Sealer): Promise<boolean> {
  const attempt = async (): Promise<boolean | null> => {
    const standing = await storage.claimKeyCheck(newCheck(sealer))
    const next = sealer.reseal(standing, purpose)
    if (next === null) return false
    return (await storage.reseal({ kind: 'keyCheck' }, standing, next)) ? true : null
  }
  const lost = () => new LicensingError('conflict', 'Others put the check record under another master key')
  return retryUntilWon(attempt, { lost })
}
