import { LicensingError } from '../../core/errors.ts'
import { base32Character } from '../../core/typeid.ts'
import { parseRecord } from '../backup/record-shapes.ts'
import type { Kind, Records } from '../backup/records.ts'
import { explainRules } from '../terminal/explain.ts'

/** 128 bits in the form of a TypeID, whatever they are. */
const anyId = new RegExp(`^([a-z]+_[0-7]${base32Character}{9}).(..).(${base32Character}{12})$`)

/** The id with the version and the variant of a UUIDv7 (RFC 9562) in place of its own. */
function wellFormed(id: string): string {
  return id.replace(anyId, '$1e$28$3')
}

function remedy<K extends Kind>(kind: K, record: Records[K], isOfId: boolean): string {
  if (kind === 'app' && isOfId)
    return 'its keys are sealed under this id, so create another app and issue its licenses there'
  const better = 'id' in record && isOfId ? wellFormed(record.id) : null
  const change =
    better === null ? 'correct the record' : `replace the id everywhere, for example by ${better},`
  return `export the database, ${change} in the file, and import the file into an empty database`
}

/** The rules of an import that a stored record breaks, and what to do about it; `null` if an import takes the record. */
export function recordFault<K extends Kind>(kind: K, record: Records[K]): string | null {
  try {
    parseRecord(kind, record)
    return null
  } catch (error) {
    if (!(error instanceof LicensingError)) throw error
    const isOfId = Object.hasOwn(error.details ?? {}, 'id')
    return `is refused by an import (${explainRules(error)}): ${remedy(kind, record, isOfId)}`
  }
}
