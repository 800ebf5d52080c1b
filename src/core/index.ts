/**
 * Heartwood's core: licensing as a library, without a server.
 *
 * @module
 */
export type { Stats, StatsQuery, Snapshot } from './statistics/stats.ts'
export type { Status, WebhookStatus } from './statistics/status.ts'
export type { Refusal } from './runtime/refusals.ts'
export type {
  ApiKey,
  ApiKeyQuery,
  ApiKeys,
  AuthenticatedKey,
  NewApiKey,
  ApiKeyWithSecret,
  RollOptions,
} from './api-keys/api-keys.ts'
export type { Actor, NamedActor } from './actor.ts'
export type { Changes } from './acts/changes.ts'
export type { FilterOf } from './all-items.ts'
export type { AuditChain, AuditLog } from './audit-chain/chain.ts'
export type {
  AuditFault,
  AuditFaultCode,
  AuditVerification,
  AuditVerifyOptions,
  ComparedCheckpoint,
} from './audit-chain/verification.ts'
export type { CheckpointClaims } from './audit-chain/checkpoints.ts'
export type { App, AppChanges, AppListOptions, Apps, NewApp, NewAppOptions } from './apps.ts'
export type { Audit, AuditEntry, AuditOptions, AuditQuery } from './audit/log.ts'
export type {
  Customer,
  CustomerChanges,
  CustomerQuery,
  Customers,
  FoundCustomer,
  NewCustomer,
} from './customers.ts'
export type {
  Diagnosis,
  DiagnosisCandidate,
  DiagnosisInput,
  DiagnosisKind,
  DiagnosticCause,
  DiagnosticCheck,
  DiagnosticCheckName,
  DiagnosticFacts,
  DiagnosticWarning,
} from './diagnosis/diagnosis.ts'
export { decide, type Decision, type Facts, type LicenseState, type TokenState } from './token/decision.ts'
export {
  LicensingError,
  type ErrorDetails,
  type LicensingErrorCode,
  type LicensingErrorOptions,
} from './errors.ts'
export {
  eventTypes,
  type BulkEventData,
  type CheckpointEventData,
  type EventData,
  type EventType,
  type LicenseEventData,
  type LicenseEventType,
  type LicenseKeyEventData,
  type LicenseKeyEventType,
  type LicensingEvent,
  type RecoveryEventData,
  type ReleaseEventData,
  type RevokedKeysEventData,
  type RotationEventData,
} from './runtime/events.ts'
export type { Feature, FeatureChanges, Features, NewFeature } from './features.ts'
export type { IdempotencyKey, IdempotentResult, LicenseResult } from './idempotency.ts'
export type { Catalogue } from './ensure.ts'
export type { IdPrefix } from './ids.ts'
export type { KeyPair, KeyPoolLoad } from './runtime/key-pool.ts'
export type { SigningKey } from './keys/app-keys.ts'
export { generateRsaKeyPair, type PublicJwk } from './keys/signing-keys.ts'
export { checkLicenseKey, type LicenseKeyCheck } from './license-keys/text.ts'
export type {
  Expiry,
  LicenseChanges,
  LicenseQuery,
  LicenseSort,
  NewLicense,
  Reinstatement,
  Revocation,
} from './licenses/input.ts'
export type { IncludeToken, License, LicenseStatus, SignedLicense } from './licenses/view.ts'
export type { AuthenticToken, TokenCredential } from './licenses/check-token.ts'
export type { Licenses } from './licenses/licenses.ts'
export type { HeldLicense } from './licenses/renewal.ts'
export { decideKey, type LicenseKeyDecision, type LicenseKeyState } from './license-keys/decision.ts'
export { LicenseKeyCredential } from './license-keys/credential.ts'
export type {
  ActivatedKey,
  ActivatedLicense,
  Activation,
  ActivationOptions,
} from './license-keys/activation.ts'
export type { LicenseKeyVerification, Seat, SeatsOptions } from './license-keys/holder.ts'
export type {
  LicenseKeyChanges,
  LicenseKeyQuery,
  LicenseKeyRoll,
  NewActivation,
  NewLicenseKey,
  Sale,
  SaleCustomer,
  SeatExceptions,
} from './license-keys/input.ts'
export type { LicenseKeys } from './license-keys/license-keys.ts'
export type { BulkRelease, HolderCredential, Release } from './license-keys/release.ts'
export type { SyncedLicenseKey } from './license-keys/sales.ts'
export type { IncludeKey, LicenseKey, LicenseKeyWithText } from './license-keys/view.ts'
export type { Jti } from './token/jti.ts'
export { createLicensing, type Licensing } from './licensing.ts'
export type { LicensingOptions, WebhookOptions } from './options.ts'
export type { Authorized, RestrictedLicensing } from './restricted.ts'
export type { AttemptCounts, Load } from './load.ts'
export type {
  AttemptOutcome,
  DeliveryLease,
  LeasedDelivery,
  Outbox,
  WebhookTarget,
} from './webhooks/outbox.ts'
export type { Limits } from './limits.ts'
export type { Listing, Paging } from './paging.ts'
export type { Permission, Principal } from './principal.ts'
export type { Preset, Scope } from './scopes.ts'
export type { BulkOutcome, BulkRegeneration, Regeneration, RenewalOptions } from './licenses/regenerate.ts'
export type { RekeyResult, RekeyOptions } from './rekey.ts'
export type { Recover } from './keys/chain.ts'
export type { RotationImpact, SeenUnderKey, SeenWithin } from './keys/impact.ts'
export type { Recovery, WrittenStatement } from './keys/recovery.ts'
export { recoveryKeyId, signWithRecoveryKey } from './keys/recovery-key.ts'
export type { Rotation, RotationFields, RotationOptions } from './keys/rotation.ts'
export type { MasterKey } from './runtime/sealer.ts'
export type { SigningOptions } from './keys/signing-queue.ts'
export type { SearchOptions, SearchResult } from './search.ts'
export type { Invitation, Invitations } from './sessions/invitation.ts'
export type { Session, Sessions } from './sessions/sessions.ts'
export type * from './storage/index.ts'
export type { AddedFeature, NewTier, Tier, TierChanges, Tiers } from './tiers.ts'
export type {
  KeyStatement,
  RecoverySet,
  RsaJwk,
  SignedStatement,
  StatementSignature,
  TrustFile,
} from './token/statement.ts'
export { verifyToken, type ExpectedToken, type LicenseClaims, type VerificationKey } from './token/token.ts'
export type {
  BatchReference,
  LicenseReference,
  TokenVerification,
  TokenVerificationOptions,
  UnknownLicense,
  Verification,
  VerificationUseCases,
} from './licenses/verify.ts'
export type { FullQueue } from './webhooks/full-queues.ts'
export type { WebhookState } from './webhooks/state.ts'
export type { DeliverySelection, RetriedDeliveries } from './webhooks/retries.ts'
export type {
  DeliveryQuery,
  WebhookDelivery,
  WebhookDeliveryDetail,
  WebhookRollOptions,
  Webhooks,
  WebhookSecret,
} from './webhooks/webhooks.ts'
export type { QueueLoad } from './runtime/work-queue.ts'
