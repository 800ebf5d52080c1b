import type {
  ApiKeyRecord,
  AppRecord,
  CustomerRecord,
  DeliveryRecord,
  FeatureRecord,
  StoredResponseRecord,
  LicenseRecord,
  SigningKeyRecord,
  TierRecord,
  WebhookRecord,
} from '../../core/storage/index.ts'
import type { Row } from '../schema.ts'

interface Field {
  readonly toRow: (value: unknown) => unknown
  readonly toRecord: (value: unknown) => unknown
}

const same = (value: unknown): unknown => value

const text: Field = { toRow: same, toRecord: same }
/** Drivers of PostgreSQL hand out `bigint` as text. */
const integer: Field = { toRow: same, toRecord: (value) => (value === null ? null : Number(value)) }
/** Not every driver binds a boolean. */
const flag: Field = { toRow: (value) => (value === true ? 1 : 0), toRecord: (value) => Number(value) === 1 }
const json: Field = {
  toRow: (value) => JSON.stringify(value),
  toRecord: (value) => JSON.parse(value as string),
}

interface Column extends Field {
  readonly name: string
  readonly column: string
}

/** Turns rows of one table into records and back. */
export class Mapper<Entry extends object> {
  readonly #columns: readonly Column[]

  constructor(fields: Readonly<Record<keyof Entry & string, Field>>) {
    this.#columns = Object.entries<Field>(fields).map(([name, field]) => ({
      ...field,
      name,
      column: snake(name),
    }))
  }

  toRecord(row: Row<Entry>): Entry {
    const values = row as Readonly<Record<string, unknown>>
    const record: Record<string, unknown> = {}
    for (const { name, column, toRecord } of this.#columns) record[name] = toRecord(values[column])
    return record as Entry
  }

  /** The record of the row, `null` when there is none. */
  toRecordOrNull(row: Row<Entry> | undefined): Entry | null {
    return row === undefined ? null : this.toRecord(row)
  }

  toRow(record: Entry): Row<Entry> {
    return this.toColumns(record) as unknown as Row<Entry>
  }

  /** The columns of what is given. */
  toColumns(patch: Partial<Entry>): Partial<Row<Entry>> {
    const values = patch as Readonly<Record<string, unknown>>
    const row: Record<string, unknown> = {}
    for (const { name, column, toRow } of this.#columns) {
      if (values[name] !== undefined) row[column] = toRow(values[name])
    }
    return row as Partial<Row<Entry>>
  }
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

export const appRows: Mapper<AppRecord> = new Mapper<AppRecord>({
  id: text,
  mode: text,
  name: text,
  slug: text,
  description: text,
  webhookUrl: text,
  issuer: text,
  tokenSecret: text,
  createdAt: integer,
  updatedAt: integer,
})

export const signingKeyRows: Mapper<SigningKeyRecord> = new Mapper<SigningKeyRecord>({
  kid: text,
  appId: text,
  publicKeyPem: text,
  privateKey: text,
  createdAt: integer,
  acceptedUntil: integer,
})

const tierFields = {
  id: text,
  appId: text,
  name: text,
  slug: text,
  description: text,
  position: integer,
  createdAt: integer,
  updatedAt: integer,
}

/** What is written of a tier; its features are rows of their own. */
export const tierRows: Mapper<Omit<TierRecord, 'features'>> = new Mapper<Omit<TierRecord, 'features'>>(
  tierFields,
)

/** What is read of a tier. */
export const wholeTierRows: Mapper<TierRecord> = new Mapper<TierRecord>({ ...tierFields, features: json })

export const featureRows: Mapper<FeatureRecord> = new Mapper<FeatureRecord>({
  id: text,
  appId: text,
  name: text,
  slug: text,
  description: text,
  createdAt: integer,
  updatedAt: integer,
})

export const customerRows: Mapper<CustomerRecord> = new Mapper<CustomerRecord>({
  id: text,
  appId: text,
  email: text,
  foldedEmail: text,
  name: text,
  externalId: text,
  metadata: json,
  createdAt: integer,
  updatedAt: integer,
})

export const licenseRows: Mapper<LicenseRecord> = new Mapper<LicenseRecord>({
  id: text,
  appId: text,
  customerId: text,
  tierId: text,
  tier: text,
  tierFeatures: json,
  customFeatures: json,
  installationId: text,
  current: flag,
  expiresAt: integer,
  revokedAt: integer,
  revokedReason: text,
  issuedAt: integer,
  revision: integer,
  minRevision: integer,
  version: integer,
  metadata: json,
  createdAt: integer,
  updatedAt: integer,
})

export const apiKeyRows: Mapper<ApiKeyRecord> = new Mapper<ApiKeyRecord>({
  id: text,
  name: text,
  type: text,
  mode: text,
  appId: text,
  app: text,
  hash: text,
  lastFour: text,
  createdAt: integer,
  expiresAt: integer,
  revokedAt: integer,
  lastUsedAt: integer,
})

export const storedResponseRows: Mapper<StoredResponseRecord> = new Mapper<StoredResponseRecord>({
  scope: text,
  key: text,
  fingerprint: text,
  answer: text,
  expiresAt: integer,
})

export const webhookRows: Mapper<WebhookRecord> = new Mapper<WebhookRecord>({
  appId: text,
  secret: text,
  previousSecret: text,
  previousUntil: integer,
  failures: integer,
  disabledAt: integer,
  version: integer,
})

export const deliveryRows: Mapper<DeliveryRecord> = new Mapper<DeliveryRecord>({
  id: text,
  appId: text,
  eventId: text,
  type: text,
  payload: text,
  priority: integer,
  state: text,
  attempts: integer,
  lastStatus: integer,
  lastError: text,
  lastAttemptAt: integer,
  dueAt: integer,
  createdAt: integer,
  version: integer,
})
