import { Type, type TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { isJson } from '../../core/input/parse.ts'
import { apiKeyRecord } from '../../core/storage/api-keys.ts'
import { appRecord } from '../../core/storage/apps.ts'
import { auditChainRecord, auditCheckpointRecord } from '../../core/storage/audit-chain.ts'
import { auditEntryRecord } from '../../core/storage/audit-entries.ts'
import { customerRecord } from '../../core/storage/customers.ts'
import { deliveryRecord } from '../../core/storage/deliveries.ts'
import { expiryNotice } from '../../core/storage/expiry-notices.ts'
import { featureRecord } from '../../core/storage/features.ts'
import { keyStatementRecord } from '../../core/storage/key-statements.ts'
import { licenseKeyRecord } from '../../core/storage/license-keys.ts'
import { licenseRecord } from '../../core/storage/licenses.ts'
import type { RecordSchema } from '../../core/storage/schema.ts'
import { signingKeyRecord } from '../../core/storage/signing-keys.ts'
import { tierRecord } from '../../core/storage/tiers.ts'
import { webhookRecord } from '../../core/storage/webhooks.ts'
import type { Kind, Records } from './records.ts'

/** The schema of each kind of record. An import refuses a field that is missing, unknown or of another type. */
export const recordShapes: { readonly [K in Kind]: RecordSchema<Records[K]> } = {
  app: appRecord,
  feature: featureRecord,
  tier: tierRecord,
  signingKey: signingKeyRecord,
  statement: keyStatementRecord,
  customer: customerRecord,
  licenseKey: licenseKeyRecord,
  license: licenseRecord,
  notice: expiryNotice,
  webhook: webhookRecord,
  delivery: deliveryRecord,
  apiKey: apiKeyRecord,
  auditEntry: auditEntryRecord,
  auditChain: auditChainRecord,
  auditCheckpoint: auditCheckpointRecord,
}

type Accepts = (value: unknown) => boolean

const made = new Map<Kind, Accepts>()

/**
 * Checks a record that was parsed from JSON. Compiled schemas accept sound records several times as fast as the check that can
 * name a broken rule. So only a record that they do not accept goes to that check.
 *
 * @throws {LicensingError} `validation_error` with the broken rules by field.
 */
export function parseRecord<K extends Kind>(kind: K, value: unknown): Records[K] {
  const accepts = made.get(kind) ?? compile(recordShapes[kind])
  made.set(kind, accepts)
  return accepts(value) ? (value as Records[K]) : recordShapes[kind].parse(value)
}

/** Accepts no record that the schema's own check refuses. */
function compile({ schema }: RecordSchema<unknown>): Accepts {
  const properties = Object.entries(schema.properties)
  const names = new Set(Object.keys(schema.properties))
  const lists = properties.filter(([, { uniqueItems }]) => uniqueItems === true).map(([name]) => name)
  const compiled = TypeCompiler.Compile(Type.Object(Object.fromEntries(properties.map(looser))))
  return (value) =>
    hasExactly(names, value) &&
    compiled.Check(value) &&
    Object.values(value).every(isJson) &&
    lists.every((name) => isDistinct(value[name] as readonly string[]))
}

/** The compiled check hashes each item to find equal ones, which takes longer than all the rest of a license. */
function looser([name, property]: readonly [string, TSchema]): readonly [string, TSchema] {
  return [name, { ...property, uniqueItems: false }]
}

function isDistinct(list: readonly string[]): boolean {
  return list.length < 2 || new Set(list).size === list.length
}

/** `Object.keys` leaves out what a prototype has. */
function hasExactly(names: ReadonlySet<string>, value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const keys = Object.keys(value)
  return keys.length === names.size && keys.every((key) => names.has(key))
}
