import { underFirstKey } from './audit-chain/keys.ts'
import type { Context } from './context.ts'
import { LicensingError } from './errors.ts'
import { resealResponse } from './idempotency.ts'
import { resealPrivateKey, resealTokenSecret } from './keys/signing-keys.ts'
import { eachPage } from './paging.ts'
import { retryUntilWon } from './retry.ts'
import { resealKeyCheck } from './runtime/master-key.ts'
import type { AppRecord, StoredResponseRecord, SecretLocation, StorageSession } from './storage/index.ts'
import { type Emit, inTransaction, type Note } from './transaction.ts'
import { resealWebhookSecrets } from './webhooks/secret.ts'

/**
 * Options of `licensing.rekey`.
 *
 * @example
 * ```ts
 * import type { RekeyOptions } from 'heartwood'
 *
 * const options: RekeyOptions = { onProgress: (looked, total) => console.log(`${looked} of ${total}`) }
 * ```
 */
export interface RekeyOptions {
  /** Called after each record: the number of records seen, and their number at the start. */
  readonly onProgress?: (looked: number, total: number) => void
}

/** The secrets that `licensing.rekey` resealed. */
export interface RekeyResult {
  readonly tokenSecrets: number
  readonly signingKeys: number
  readonly webhooks: number
  readonly storedResponses: number
  /** 1 if the chain of the audit log went on under the first key. */
  readonly auditChain: number
  /** True if the check record was changed. It changes last: from then on the first key alone opens everything. */
  readonly keyCheck: boolean
}

type Kind = Exclude<keyof RekeyResult, 'keyCheck'>

interface Step {
  readonly kind: Kind
  /** Resolves to `false` if another change was faster. */
  write(tx: StorageSession): Promise<boolean>
}

interface Tally {
  readonly resealed: Record<Kind, number>
  look(): void
}

/** A page of writes is one transaction, short enough that other writers hardly wait. */
const pageSize = 100
/** If every server seals under the first key, the second walk finds nothing. */
const mostWalks = 5

function unopened(where: string, cause: unknown): LicensingError {
  const message = `${where} does not open with any of the master keys`
  return new LicensingError('master_key', message, { cause })
}

/** One step, or none if the secret is sealed under the first key already. @throws {LicensingError} `master_key`. */
function steps<Next>(where: string, reseal: () => Next | null, step: (next: Next) => Step): readonly Step[] {
  let next: Next | null
  try {
    next = reseal()
  } catch (error) {
    throw unopened(where, error)
  }
  return next === null ? [] : [step(next)]
}

function replacing(kind: Kind, location: SecretLocation, expected: string): (next: string) => Step {
  return (next) => ({ kind, write: (tx) => tx.reseal(location, expected, next) })
}

function tokenSecretSteps(context: Context, app: AppRecord): readonly Step[] {
  const location = { kind: 'tokenSecret', appId: app.id } as const
  const replace = replacing('tokenSecrets', location, app.tokenSecret)
  return steps(
    `The token secret of app ${app.id}`,
    () => resealTokenSecret(context.runtime.sealer, app),
    replace,
  )
}

async function signingKeySteps(context: Context, appId: string): Promise<readonly Step[]> {
  const key = await context.storage.findActiveKey(appId)
  if (key === null) return []
  const replace = replacing('signingKeys', { kind: 'privateKey', appId, kid: key.kid }, key.privateKey ?? '')
  return steps(
    `The signing key of app ${appId}`,
    () => resealPrivateKey(context.runtime.sealer, key),
    replace,
  )
}

async function webhookSteps(context: Context, appId: string): Promise<readonly Step[]> {
  const webhook = await context.storage.findWebhook(appId)
  if (webhook === null) return []
  return steps(
    `The webhook secret of app ${appId}`,
    () => resealWebhookSecrets(context.runtime.sealer, webhook),
    (patch) => ({
      kind: 'webhooks',
      write: async (tx) => (await tx.updateWebhook(appId, webhook.version, patch)) !== null,
    }),
  )
}

async function appSteps(context: Context, app: AppRecord): Promise<readonly Step[]> {
  return [
    ...tokenSecretSteps(context, app),
    ...(await signingKeySteps(context, app.id)),
    ...(await webhookSteps(context, app.id)),
  ]
}

/** Skips expired responses that cannot be opened; they will be pruned. */
function responseSteps(context: Context, stored: StoredResponseRecord): readonly Step[] {
  const { scope, key, answer, expiresAt } = stored
  const replace = replacing('storedResponses', { kind: 'storedResponse', scope, key }, answer)
  try {
    return steps(
      `A stored response of ${scope}`,
      () => resealResponse(context.runtime.sealer, stored),
      replace,
    )
  } catch (error) {
    if (expiresAt <= context.runtime.now()) return []
    throw error
  }
}

/** The chain of the audit log goes on under the first key. Its entries keep their codes. */
async function auditSteps({ storage, runtime }: Context): Promise<readonly Step[]> {
  const chain = await storage.findAuditChain()
  if (chain === null) return []
  return steps(
    'The audit log',
    () => underFirstKey(runtime.sealer, chain),
    (patch) => ({
      kind: 'auditChain',
      write: async (tx) => (await tx.updateAuditChain(chain.version, patch)) !== null,
    }),
  )
}

async function writeSteps(context: Context, found: readonly Step[], { resealed }: Tally): Promise<void> {
  if (found.length === 0) return
  const written = await context.storage.transaction(
    async (tx) => {
      const kinds: Kind[] = []
      for (const step of found) if (await step.write(tx)) kinds.push(step.kind)
      return kinds
    },
    { alone: true },
  )
  for (const kind of written) resealed[kind]++
}

/** Resolves to the number of secrets that had to be resealed. */
async function walk<Item>(
  context: Context,
  tally: Tally,
  list: Parameters<typeof eachPage<Item>>[1],
  stepsOf: (item: Item) => readonly Step[] | Promise<readonly Step[]>,
): Promise<number> {
  let count = 0
  for await (const page of eachPage(pageSize, list)) {
    const found: Step[] = []
    for (const item of page) {
      found.push(...(await stepsOf(item)))
      tally.look()
    }
    await writeSteps(context, found, tally)
    count += found.length
  }
  return count
}

async function walkAll(context: Context, tally: Tally): Promise<number> {
  const { storage } = context
  const inApps = await walk<AppRecord>(
    context,
    tally,
    (page) => storage.listApps({}, page),
    (app) => appSteps(context, app),
  )
  const inResponses = await walk<StoredResponseRecord>(
    context,
    tally,
    (page) => storage.listStoredResponses(page),
    (stored) => responseSteps(context, stored),
  )
  const inAudit = await auditSteps(context)
  await writeSteps(context, inAudit, tally)
  return inApps + inResponses + inAudit.length
}

async function newTally({ storage }: Context, { onProgress }: RekeyOptions): Promise<Tally> {
  const total = (await storage.countApps({})) + (await storage.countStoredResponses())
  let looked = 0
  return {
    resealed: { tokenSecrets: 0, signingKeys: 0, webhooks: 0, storedResponses: 0, auditChain: 0 },
    look: () => {
      looked++
      if (looked <= total) onProgress?.(looked, total)
    },
  }
}

function othersSeal(): LicensingError {
  return new LicensingError(
    'conflict',
    'Others go on sealing under another master key: give every server the new one first, then the old one',
  )
}

/** The check record changes with the entry of the act. Its mode is live, because a live key manages the keys of both modes. */
async function finishRekey(context: Context, resealed: number): Promise<boolean> {
  const work = async (tx: StorageSession, _emit: Emit, note: Note) => {
    const isChanged = await resealKeyCheck(tx, context.runtime.sealer)
    const changes = isChanged === true || resealed > 0 ? null : {}
    note({ appId: null, mode: 'live', action: 'storage.rekeyed', target: ['storage', null], changes })
    return isChanged === null ? null : { isChanged }
  }
  const lost = () => new LicensingError('conflict', 'Others put the check record under another master key')
  const outcome = await retryUntilWon(() => inTransaction(context, work, { alone: true }), { lost })
  return outcome.isChanged
}

/**
 * Reseals everything under the first master key: see `Licensing.rekey`. Each write replaces only the text that was read, so
 * it may run beside servers. The check record comes last, after a walk that found nothing left. As long as anything needs
 * the old key, a start with the new key alone is refused.
 */
export async function rekey(context: Context, options: RekeyOptions = {}): Promise<RekeyResult> {
  const tally = await newTally(context, options)
  const attempt = async (): Promise<Record<Kind, number> | null> =>
    (await walkAll(context, tally)) === 0 ? tally.resealed : null
  const resealed = await retryUntilWon(attempt, { tries: mostWalks, lost: othersSeal })
  const count = Object.values(resealed).reduce((sum, each) => sum + each, 0)
  return { ...resealed, keyCheck: await finishRekey(context, count) }
}
