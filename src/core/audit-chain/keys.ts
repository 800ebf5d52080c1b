import { base64url } from 'jose'
import { LicensingError } from '../errors.ts'
import { auditKeyContext, auditSpansPurpose, auditStartPurpose } from '../keys/purposes.ts'
import { chainSecret, type ChainSecret } from '../runtime/crypto.ts'
import type { DerivedSecret, Sealer } from '../runtime/sealer.ts'
import type { AuditChainPatch, AuditChainRecord } from '../storage/index.ts'

/** An entry by its place, and the code that seals it. */
export interface ChainPlace {
  readonly seq: number
  readonly mac: string
}

/** The place before the first entry: 32 zero bytes. */
export const beforeFirst: ChainPlace = { seq: 0, mac: 'A'.repeat(43) }

/** The part of a chain, up to and with `until`, that one earlier audit key sealed. */
interface Span {
  readonly until: ChainPlace
  /** In base64url. */
  readonly key: string
}

/** A chain with the secrets that seal its entries. */
export interface OpenChain {
  /** The place before the first entry that the log still has. */
  readonly start: ChainPlace
  readonly spans: readonly { readonly until: ChainPlace; readonly secret: ChainSecret }[]
  /** Seals whatever comes after the spans. */
  readonly secret: ChainSecret
}

function openJson<Value>(sealer: Sealer, sealed: string, purpose: string): Value {
  return JSON.parse(new TextDecoder().decode(sealer.open(sealed, purpose))) as Value
}

function sealJson(sealer: Sealer, value: unknown, purpose: string): string {
  return sealer.seal(new TextEncoder().encode(JSON.stringify(value)), purpose)
}

function spansOf(sealer: Sealer, { spans }: AuditChainRecord): readonly Span[] {
  return spans === null ? [] : openJson(sealer, spans, auditSpansPurpose)
}

/** The place before the first entry that the log still has. @throws {LicensingError} `master_key` if somebody has altered it. */
export function startOf(sealer: Sealer, { start }: AuditChainRecord): ChainPlace {
  return start === null ? beforeFirst : openJson(sealer, start, auditStartPurpose)
}

/** A start that nobody without the master key can make. */
export function sealStart(sealer: Sealer, start: ChainPlace): string {
  return sealJson(sealer, start, auditStartPurpose)
}

/** The last entry of a chain, or the place before the first. */
export function endOf({ seq, mac }: AuditChainRecord): ChainPlace {
  return mac === null ? beforeFirst : { seq, mac }
}

/** The audit key that seals now. @throws {LicensingError} `master_key` if its master key is not configured. */
function currentKey(sealer: Sealer, { keyId }: Pick<AuditChainRecord, 'keyId'>): DerivedSecret {
  const key = sealer.derive(auditKeyContext).find((derived) => derived.keyId === keyId)
  if (key === undefined)
    throw new LicensingError('master_key', 'The audit log goes on under a master key that is not configured')
  return key
}

/** The secret that seals now. @throws {LicensingError} `master_key`. */
export function sealingSecret(sealer: Sealer, chain: AuditChainRecord): ChainSecret {
  return chainSecret(currentKey(sealer, chain).bytes)
}

/** @throws {LicensingError} `master_key` if a master key is missing, or if somebody has altered the record. */
export function openChain(sealer: Sealer, chain: AuditChainRecord): OpenChain {
  return {
    start: startOf(sealer, chain),
    spans: spansOf(sealer, chain).map(({ until, key }) => ({
      until,
      secret: chainSecret(base64url.decode(key)),
    })),
    secret: sealingSecret(sealer, chain),
  }
}

/** The id of the master key under which a new chain begins. */
export function firstKeyId(sealer: Sealer): string {
  return sealer.derive(auditKeyContext)[0].keyId
}

/** The spans once the present audit key has ended. An audit key that sealed no entry has none. */
function spansAfter(sealer: Sealer, chain: AuditChainRecord): string | null {
  const [spans, until] = [spansOf(sealer, chain), endOf(chain)]
  const isUnused = until.seq === (spans.at(-1)?.until.seq ?? 0)
  const key = base64url.encode(currentKey(sealer, chain).bytes)
  const next = isUnused ? spans : [...spans, { until, key }]
  return next.length === 0 ? null : sealJson(sealer, next, auditSpansPurpose)
}

/** A sealed text under the first master key. */
function resealed(sealer: Sealer, sealed: string | null, purpose: string): string | null {
  return sealed === null ? null : (sealer.reseal(sealed, purpose) ?? sealed)
}

/**
 * The change with which the chain goes on under the first master key; `null` if it does already. The codes of earlier entries
 * stay as they are, and so do the checkpoints that people keep. The key before is sealed together with the last place that it
 * sealed: whoever steals it later can forge neither that part, nor a longer one.
 *
 * @throws {LicensingError} `master_key`.
 */
export function underFirstKey(sealer: Sealer, chain: AuditChainRecord): AuditChainPatch | null {
  const keyId = firstKeyId(sealer)
  const start = resealed(sealer, chain.start, auditStartPurpose)
  const spans =
    chain.keyId === keyId ? resealed(sealer, chain.spans, auditSpansPurpose) : spansAfter(sealer, chain)
  const isSame = chain.keyId === keyId && start === chain.start && spans === chain.spans
  return isSame ? null : { keyId, start, spans }
}
