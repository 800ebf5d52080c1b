import { canonicalPem } from '../../core/keys/pem.ts'
import type { Kind, Records } from './records.ts'

/** The fields that a format added to a kind of record, with their values in the records of every earlier format. */
type AddedFields = { readonly [K in Kind]?: Partial<Records[K]> }

/**
 * The fields that each format added. No kind or field ever changes its meaning or goes away, so an export of an earlier
 * format needs nothing more.
 */
const added: ReadonlyMap<number, AddedFields> = new Map([
  [
    2,
    {
      license: { revokedCause: null, seenAt: null, seenKid: null, seenClient: null },
      signingKey: { retiredAt: null, retiredReason: null },
    },
  ],
  [
    3,
    {
      tier: { limits: {} },
      app: { keyPrefix: null },
      license: { tierLimits: {}, customLimits: {}, updatesUntil: null, licenseKeyId: null, name: null },
    },
  ],
  [
    4,
    {
      app: { recovery: null },
      apiKey: { scopes: null },
      webhook: { queueFullAt: null, droppedEvents: 0 },
      delivery: { licenseId: null, lastAttempts: [] },
    },
  ],
])

/** Version 0.1.0 stored a given public key as it came. A text without a key is left to the checks. */
function withCanonicalPem(record: object): object {
  const { publicKeyPem: pem } = record as { readonly publicKeyPem?: unknown }
  const publicKeyPem = typeof pem === 'string' ? canonicalPem(pem, 'PUBLIC KEY') : null
  return publicKeyPem === null ? record : { ...record, publicKeyPem }
}

/** A record as the present format has it. `record` is as the export has it, and not checked yet. */
export function inPresentFormat(kind: Kind, record: unknown, format: number): unknown {
  if (typeof record !== 'object' || record === null) return record
  const missing = [...added].filter(([since]) => since > format).flatMap(([, fields]) => fields[kind] ?? [])
  const whole = missing.length === 0 ? record : (Object.assign({}, ...missing, record) as object)
  return kind === 'signingKey' ? withCanonicalPem(whole) : whole
}
