/**
 * Writes the tables of columns in docs/storage.md from the schemas of the records. Run it with `npm run reference`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { apiKeyRecord } from '../src/core/storage/api-keys.ts'
import { appRecord } from '../src/core/storage/apps.ts'
import { auditChainRecord, auditCheckpointRecord } from '../src/core/storage/audit-chain.ts'
import { auditEntryRecord } from '../src/core/storage/audit-entries.ts'
import { customerRecord } from '../src/core/storage/customers.ts'
import { deletionRecord } from '../src/core/storage/deletions.ts'
import { deliveryRecord } from '../src/core/storage/deliveries.ts'
import { expiryNotice } from '../src/core/storage/expiry-notices.ts'
import { featureRecord } from '../src/core/storage/features.ts'
import { storedResponseRecord } from '../src/core/storage/idempotency.ts'
import { keyStatementRecord } from '../src/core/storage/key-statements.ts'
import { licenseKeyRecord } from '../src/core/storage/license-keys.ts'
import { licenseRecord } from '../src/core/storage/licenses.ts'
import { type Field, fieldsOf, type RecordSchema } from '../src/core/storage/schema.ts'
import { signingKeyRecord } from '../src/core/storage/signing-keys.ts'
import { snapshotRecord } from '../src/core/storage/snapshots.ts'
import { tallyRecord } from '../src/core/storage/tallies.ts'
import { tierRecord } from '../src/core/storage/tiers.ts'
import { webhookRecord } from '../src/core/storage/webhooks.ts'
import { columnName } from '../src/storage/kysely/rows.ts'
import type { Database } from '../src/storage/schema.ts'

const file = new URL('../docs/storage.md', import.meta.url)

/** A column: its name, its type, the value that it holds, and how it is protected. */
type Column = readonly [name: string, type: string, holds: string, protection: string]

const types: Readonly<Record<Field['type'], string>> = {
  string: 'text',
  integer: 'integer',
  boolean: '0 or 1',
  array: 'JSON',
  object: 'JSON',
}

function columnOf({ name, type, isNullable, description, values, note, protection }: Field): Column {
  const form = values && `one of ${values.map((value) => `\`${value}\``).join(', ')}`
  const holds = [description, form, note].filter((text) => text !== null).join('; ')
  return [columnName(name), isNullable ? `${types[type]} or null` : types[type], holds, protection ?? 'plain']
}

function columnsOf<Entry>(record: RecordSchema<Entry>): readonly Column[] {
  return fieldsOf(record).map(columnOf)
}

/** Every table of the database. The compiler holds the list complete. */
const tables: Readonly<Record<keyof Database, readonly Column[]>> = {
  heartwood_app: columnsOf(appRecord),
  heartwood_signing_key: columnsOf(signingKeyRecord),
  heartwood_key_statement: columnsOf(keyStatementRecord),
  heartwood_tier: columnsOf(tierRecord).filter(([name]) => name !== 'features'),
  heartwood_feature: columnsOf(featureRecord),
  heartwood_tier_feature: [
    ['tier_id', 'text', 'The tier', 'plain'],
    ['feature_id', 'text', 'The feature that the tier has', 'plain'],
    ['place', 'integer', 'The order of adding', 'plain'],
  ],
  heartwood_customer: [
    ...columnsOf(customerRecord),
    ['folded_name', 'text or null', 'The name in the form that the search compares', 'plain'],
  ],
  heartwood_license: [
    ...columnsOf(licenseRecord),
    ['told_expiring', 'integer or null', 'The `expires_at` that was announced last as coming', 'plain'],
    ['told_expired', 'integer or null', 'The `expires_at` that was announced last as past', 'plain'],
  ],
  heartwood_license_key: columnsOf(licenseKeyRecord),
  heartwood_api_key: columnsOf(apiKeyRecord),
  heartwood_kept_answer: columnsOf(storedResponseRecord),
  heartwood_webhook: columnsOf(webhookRecord),
  heartwood_deletion: columnsOf(deletionRecord),
  heartwood_delivery: columnsOf(deliveryRecord),
  heartwood_license_notice: columnsOf(expiryNotice),
  heartwood_tally: columnsOf(tallyRecord),
  heartwood_snapshot: columnsOf(snapshotRecord),
  heartwood_clock: [
    ['id', 'text', 'Always `clock`', 'plain'],
    ['seen_at', 'integer', 'The last reading of the servers’ clocks', 'plain'],
    [
      'steady_since',
      'integer',
      'The time since which the readings follow each other without a leap',
      'plain',
    ],
  ],
  heartwood_audit_entry: columnsOf(auditEntryRecord),
  heartwood_unsealed_audit_entry: columnsOf(auditEntryRecord).filter(
    ([name]) => name !== 'seq' && name !== 'mac',
  ),
  heartwood_audit_chain: [['id', 'text', 'Always `chain`', 'plain'], ...columnsOf(auditChainRecord)],
  heartwood_audit_checkpoint: columnsOf(auditCheckpointRecord),
  heartwood_setting: [
    ['name', 'text', 'Always `key_check`', 'plain'],
    [
      'value',
      'text',
      'The check record: a fixed text that shows whether a master key is the right one',
      'sealed',
    ],
  ],
}

function section(name: string, columns: readonly Column[]): string {
  const rows = columns.map(([column, ...cells]) => [`\`${column}\``, ...cells])
  const lines = [['column', 'type', 'holds', 'protection'], ['---', '---', '---', '---'], ...rows]
  return `### ${name}\n\n${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}`
}

const begin = '<!-- Generated by `npm run reference` from the schemas in src/core/storage. -->'
const end = '<!-- End of the generated part. -->'

/** The page with the tables as they must be. */
export async function withColumns(page: string): Promise<string> {
  const [before, rest = ''] = page.split(begin)
  const [, after] = rest.split(end)
  if (after === undefined) throw new Error('docs/storage.md has no place for the tables of columns')
  const sections = Object.entries(tables).map(([name, columns]) => section(name, columns))
  const text = [before, begin, `\n\n${sections.join('\n\n')}\n\n`, end, after].join('')
  return format(text, { ...(await resolveConfig(file)), parser: 'markdown' })
}

if (import.meta.main) writeFileSync(file, await withColumns(readFileSync(file, 'utf8')))
