import { LicensingError } from '../errors.ts'
import type { Sealer } from './sealer.ts'
import type { Storage } from '../storage/index.ts'

const purpose = 'key-check'
const mostAttempts = 5

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
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const standing = await storage.claimKeyCheck(newCheck(sealer))
    const next = sealer.reseal(standing, purpose)
    if (next === null) return false
    if (await storage.reseal({ kind: 'keyCheck' }, standing, next)) return true
  }
  throw new LicensingError('conflict', 'Others put the check record under another master key')
}
