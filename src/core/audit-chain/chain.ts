import { bindAudit, type Audit } from '../audit/log.ts'
import type { Context } from '../context.ts'
import { day } from '../time.ts'
import { signCheckpoints } from './checkpoints.ts'
import { pruneAuditLog } from './pruning.ts'
import { sealEntries } from './sealing.ts'
import { verifyAudit, type AuditVerification, type AuditVerifyOptions } from './verification.ts'

/**
 * The chain of the audit log: `licensing.audit`. It shows each change of a sealed entry.
 *
 * @example
 * ```ts
 * import type { Licensing } from 'heartwood'
 *
 * async function requireWholeLog({ audit }: Licensing, checkpoint: string): Promise<void> {
 *   const { fault } = await audit.verify({ checkpoint })
 *   if (fault !== null) throw new Error(fault.reason)
 * }
 * ```
 */
export interface AuditChain {
  /**
   * Compares each sealed entry with its code, and the end of the log with the checkpoint, if one is given. Without a checkpoint
   * it cannot see that the newest entries were cut off. It reads in pages, and changes nothing.
   *
   * @throws {LicensingError} `validation_error` for a checkpoint that no signing key of an app of this storage has signed.
   */
  verify(options?: AuditVerifyOptions): Promise<AuditVerification>
  /**
   * Seals the entries that are committed, and signs checkpoints if they are due: every 1,000 entries, and every hour with a
   * new entry. `startDelivery` of `heartwood/webhooks` calls it every second. Any number of servers may.
   *
   * Resolves to the number of entries that this call has sealed.
   * @throws {LicensingError} `master_key` if the log goes on under a master key that is not configured; `conflict`, once, if the
   * last entry that this process has sealed is gone: somebody has set the log back.
   */
  seal(): Promise<number>
  /**
   * Deletes the entries that are older than the option `auditDays`, except for those after the last checkpoint of that age.
   * `startDelivery` of `heartwood/webhooks` calls it every hour. The rest of the log still verifies.
   *
   * Resolves to their number.
   * @throws {LicensingError} `conflict` if an old entry is not as it was sealed, because it is evidence.
   */
  prune(): Promise<number>
}

/** The use cases of the audit log, and those of its chain. */
export interface AuditLog extends Audit, AuditChain {}

function prune(context: Context): Promise<number> {
  const { auditDays, now } = context.runtime
  return auditDays === null ? Promise.resolve(0) : pruneAuditLog(context, now() - auditDays * day)
}

export function bindAuditLog(context: Context): AuditLog {
  return {
    ...bindAudit(context),
    verify: (options) => verifyAudit(context, options),
    seal: async () => {
      const count = await sealEntries(context)
      await signCheckpoints(context)
      return count
    },
    prune: () => prune(context),
  }
}
