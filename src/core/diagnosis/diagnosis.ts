/** The name of a check. */
export type DiagnosticCheckName =
  | 'secret'
  | 'form'
  | 'app'
  | 'access'
  | 'issuer'
  | 'signing_key'
  | 'signature'
  | 'customer'
  | 'license'
  | 'installation'
  | 'token_end'
  | 'cut_off'
  | 'revision'
  | 'license_key'
  | 'license_key_text'
  | 'seat'
  | 'revocation'
  | 'end'
  | 'tier'
  | 'features'
  | 'seats'

/** The meaning of each check, in the order in which the ladders have them. The dashboard draws a check by its name. */
export const checkMeanings: Readonly<Record<DiagnosticCheckName, string>> = {
  secret: 'the text is no secret that somebody pasted by mistake',
  form: 'the text is whole, and nobody has changed it',
  app: 'it is for an app that the API key sees',
  access: 'the API key may read such things',
  issuer: 'a token names the issuer of its app',
  signing_key: 'the app accepts the key that signed a token: the active one, or one in its grace period',
  signature: 'the signature of a token is right, and the app has made its jti',
  customer: 'the customer exists and has a license or a license key',
  license: 'the license exists',
  installation: 'the license has the place of its installation',
  token_end: 'the token has not ended',
  cut_off: 'no invalidate_previous has cut the token off',
  revision: 'the token is the newest of its license',
  license_key: 'the license key exists',
  license_key_text: 'no roll has replaced the text of the license key',
  seat: 'the license has its seat of a license key',
  revocation: 'nobody has revoked it',
  end: 'it has not expired',
  tier: 'its tier exists, so that it can be renewed',
  features: 'it has the features and limits that its tier has now',
  seats: 'a new installation finds a free seat',
}

/** The reason why a check failed. */
export type DiagnosticCause =
  | 'empty'
  | 'unknown_text'
  | 'secret_exposed'
  | 'cut_off_text'
  | 'altered_text'
  | 'mistyped'
  | 'other_app'
  | 'no_access'
  | 'other_issuer'
  | 'key_unknown'
  | 'key_retired'
  | 'key_compromised'
  | 'bad_signature'
  | 'no_license'
  | 'token_expired'
  | 'invalidated'
  | 'seat_given_back'
  | 'seat_lost'
  | 'seat_lapsed'
  | 'seat_replaced'
  | 'seat_moved'
  | 'license_key_unknown'
  | 'license_key_rolled'
  | 'license_key_revoked'
  | 'license_key_expired'
  | 'license_revoked'
  | 'license_expired'
  | 'missing_tier'
  | 'seats_full'

/** The meaning of each cause: the reason why a check failed, for a program. */
export const causeMeanings: Readonly<Record<DiagnosticCause, string>> = {
  empty: 'the text holds nothing',
  unknown_text: 'the text leads to nothing that the API key sees',
  secret_exposed: 'somebody pasted a secret',
  cut_off_text: 'the end of the text is missing',
  altered_text: 'the text was changed, or is no license token',
  mistyped: 'a symbol of the license key is wrong',
  other_app: 'it is for no app that the API key sees',
  no_access: 'the API key lacks the scope to look',
  other_issuer: 'another server made the token',
  key_unknown: 'the app never had the signing key that the token names',
  key_retired: 'a rotation has retired the signing key',
  key_compromised: 'the signing key was revoked after a leak',
  bad_signature: 'the token was changed, or was not signed by the key that it names',
  no_license: 'no such license is here, or it leads to none',
  token_expired: 'the token has ended',
  invalidated: 'an invalidate_previous has cut the token off',
  seat_given_back: 'its holder gave the seat back',
  seat_lost: 'the license has no seat any more; a public key does not learn why',
  seat_lapsed: 'the seat was silent for too long, and another installation took it',
  seat_replaced: 'another installation took the seat, or the place of the license',
  seat_moved: 'the installation moved to another license key',
  license_key_unknown: 'no such license key is here',
  license_key_rolled: 'a roll has replaced the text of the license key',
  license_key_revoked: 'the license key is revoked',
  license_key_expired: 'the license key has expired',
  license_revoked: 'the license is revoked',
  license_expired: 'the license has expired',
  missing_tier: 'the tier was deleted',
  seats_full: 'all seats are taken',
}

/** A warning of a check that passed. */
export type DiagnosticWarning =
  | 'in_grace'
  | 'test_mode'
  | 'superseded'
  | 'old_text'
  | 'older_revision'
  | 'ahead_of_record'
  | 'stale_features'

/** The meaning of each warning: a check passed, and yet there is something to know. */
export const warningMeanings: Readonly<Record<DiagnosticWarning, string>> = {
  in_grace: 'the signing key is retired, and its tokens are accepted for some time',
  test_mode: 'the app is of the test mode',
  superseded: 'a newer license has the place of the installation',
  old_text: 'a roll has replaced the text of the license key, which works for some time',
  older_revision: 'the program missed a renewal',
  ahead_of_record: 'the token is newer than the record, as after a restored backup',
  stale_features: 'the tier has other features or limits now',
}

/** The kind of a text. Kinds may be added. */
export type DiagnosisKind =
  | 'token'
  | 'license_file'
  | 'license_key'
  | 'jti'
  | 'license'
  | 'installation'
  | 'license_key_id'
  | 'customer'
  | 'email'
  | 'external_id'
  | 'signing_key'
  | 'request_id'
  | 'api_key'
  | 'webhook_secret'
  | 'private_key'
  | 'api_key_id'
  | 'app'
  | 'tier'
  | 'feature'
  | 'event'
  | 'delivery'
  | 'audit_entry'
  | 'unknown'

/** The meaning of each kind of text. */
export const kindMeanings: Readonly<Record<DiagnosisKind, string>> = {
  token: 'a license token, or a part of one',
  license_file: 'a license file',
  license_key: 'the text of a license key',
  jti: 'the id of a token',
  license: 'the id of a license',
  installation: 'an installation id',
  license_key_id: 'the id of a license key',
  customer: 'the id of a customer',
  email: 'an e-mail address',
  external_id: 'the number of a customer or a sale in the shop',
  signing_key: 'the thumbprint of a signing key (kid)',
  request_id: 'the id of an HTTP request',
  api_key: 'an API key; never sent back',
  webhook_secret: 'a webhook secret; never sent back',
  private_key: 'a private key; never sent back',
  api_key_id: 'the id of an API key',
  app: 'the id or slug of an app',
  tier: 'the id of a tier',
  feature: 'the id of a feature',
  event: 'the id of an event',
  delivery: 'the id of a webhook delivery',
  audit_entry: 'the id of an entry of the audit log',
  unknown: 'none of these',
}

/**
 * Facts of a check, by name. Times are whole seconds since 1970; their names end in `At` or `Until`. A failed check has `code`:
 * the error code with which the server refuses.
 */
export type DiagnosticFacts = Readonly<Record<string, string | number | boolean | null | readonly string[]>>

/** One rung of the ladder of a diagnosis. */
export interface DiagnosticCheck {
  readonly check: DiagnosticCheckName
  readonly state: 'passed' | 'failed' | 'not_reached'
  /** For people, in plain English. */
  readonly sentence: string
  /** A check that passed may have a `warning`. */
  readonly facts: DiagnosticFacts
}

/** A thing to which a text may lead, for a list to choose from. */
export interface DiagnosisCandidate {
  readonly kind: 'license' | 'license_key'
  readonly id: string
  /** For people. */
  readonly label: string
}

/**
 * The answer to "why is it refused?".
 *
 * @example
 * ```ts
 * import type { Diagnosis } from 'heartwood'
 *
 * function firstFault({ checks }: Diagnosis): string {
 *   return checks.find(({ state }) => state === 'failed')?.sentence ?? 'The license is good.'
 * }
 * ```
 */
export interface Diagnosis {
  /** The kind of the text. */
  readonly kind: DiagnosisKind
  /** The slug of the app; `null` if none is known. */
  readonly app: string | null
  /** The license to which the text leads; `null` if to none, or to several. */
  readonly licenseId: string | null
  /** In the order in which the server checks. Empty if the text leads to several licenses: see `candidates`. */
  readonly checks: readonly DiagnosticCheck[]
  /** The reason of the first check that failed; `null` if none failed. */
  readonly cause: DiagnosticCause | null
  /** The way to mend it, for people; `null` if there is nothing to do. */
  readonly remedy: string | null
  /** The licenses and license keys to choose from, at most 20. */
  readonly candidates: readonly DiagnosisCandidate[]
}

/** Input of `licensing.diagnose`. */
export interface DiagnosisInput {
  /** Anything that a customer may send, at most 64 KiB of UTF-8. */
  readonly text: string
}
