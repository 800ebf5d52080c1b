import type { AppRecord, LicenseKeyRecord, LicenseRecord, NumericDate } from '../storage/index.ts'
import { statusOf } from '../token/decision.ts'
import type { Diagnosis, DiagnosisCandidate, DiagnosisKind } from './diagnosis.ts'
import { maxValues } from './recognition.ts'
import { timeOf } from './wording.ts'

function stateOf(
  record: Pick<LicenseRecord, 'tier' | 'expiresAt' | 'revokedAt' | 'name'>,
  now: NumericDate,
): string {
  const status = statusOf(record, now)
  const end = record.expiresAt === null ? 'without end' : timeOf(record.expiresAt)
  const when = {
    active: record.expiresAt === null ? 'active, without end' : `active until ${end}`,
    expired: `ended on ${end}`,
    revoked: `revoked on ${timeOf(record.revokedAt ?? now)}`,
  }[status]
  return [record.tier, when, ...(record.name === null ? [] : [`“${record.name}”`])].join(', ')
}

export function licenseCandidate(
  app: AppRecord,
  license: LicenseRecord,
  now: NumericDate,
): DiagnosisCandidate {
  const installed = license.name === null ? `, installation …${license.installationId.slice(-4)}` : ''
  return { kind: 'license', id: license.id, label: `${app.name}: ${stateOf(license, now)}${installed}` }
}

export function keyCandidate(app: AppRecord, key: LicenseKeyRecord, now: NumericDate): DiagnosisCandidate {
  return { kind: 'license_key', id: key.id, label: `${app.name}: license key, ${stateOf(key, now)}` }
}

/** The diagnosis of a text that leads to several things. */
export function toChoose(
  kind: DiagnosisKind,
  candidates: readonly DiagnosisCandidate[],
  app: string | null,
): Diagnosis {
  const most = candidates.slice(0, maxValues)
  const remedy = 'Choose one of the candidates, and diagnose its id.'
  return { kind, app, licenseId: null, checks: [], cause: null, remedy, candidates: most }
}
