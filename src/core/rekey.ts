import type { Context } from './context.ts'
import { LicensingError } from './errors.ts'
import { resealAnswer } from './idempotency.ts'
import { eachPage } from './paging.ts'
import { retryUntilWon } from './retry.ts'
import { resealKeyCheck } from './runtime/master-key.ts'
import { resealPrivateKey, resealTokenSecret } from './keys/signing-keys.ts'
import type { AppRecord, StoredResponseRecord, SecretLocation, StorageSession } from './storage/index.ts'
import { resealWebhookSecrets } from './webhooks/secret.ts'

export interface RekeyOptions {
  /** Called as it goes on: how many records were looked at, of how many that there were at the start. */
  readonly onProgress?: (looked: number, total: number) => void
}

/** What had to be sealed anew. */
export interface RekeyResult {
  readonly tokenSecrets: number
  readonly signingKeys: number
  readonly webhooks: number
  readonly storedResponses: number
  /** Whether the check record was changed, which is done last: from then on the first key alone opens everything. */
  readonly keyCheck: boolean
}

type Kind = Exclude<keyof RekeyResult, 'keyCheck'>

/** One guarded write; `false` when it was lost to a change made meanwhile. */
interface Step {
  readonly kind: Kind
  write(tx: StorageSession): Promise<boolean>
}

/** How a walk counts what it does. */
interface Tally {
  readonly resealed: Record<Kind, number>
  look(): void
}

/** A page of writes is one transaction, short enough that no other writer notices. */
const pageSize = 100
/** With every server sealing under the first key the second walk finds nothing. */
const mostWalks = 5

function unopened(where: string, cause: unknown): LicensingError {
  const message = `${where} does not open with any of the master keys`
  return new LicensingError('master_key', message, { cause })
}

/** The steps of `reseal`, which are one or none. @throws {LicensingError} `master_key`, saying where. */
function steps<Next>(where: string, reseal: () => Next | null, step: (next: Next) => Step): readonly Step[] {
  let next: Next | null
  try {
    next = reseal()
  } catch (error) {
    throw unopened(where, error)
  }
  return next === null ? [] : [step(next)]
}

function replacing(kind: Kind, place: SecretLocation, expected: string): (next: string) => Step {
  return (next) => ({ kind, write: (tx) => tx.reseal(place, expected, next) })
}

function tokenSecretSteps(context: Context, app: AppRecord): readonly Step[] {
  const place = { kind: 'tokenSecret', appId: app.id } as const
  const replace = replacing('tokenSecrets', place, app.tokenSecret)
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

/** One that has expired and does not open is of no use to anybody, and goes by itself. */
function responseSteps(context: Context, kept: StoredResponseRecord): readonly Step[] {
  const { scope, key, answer, expiresAt } = kept
  const replace = replacing('storedResponses', { kind: 'storedResponse', scope, key }, answer)
  try {
    return steps(`A kept answer of ${scope}`, () => resealAnswer(context.runtime.sealer, kept), replace)
  } catch (error) {
    if (expiresAt <= context.runtime.now()) return []
    throw error
  }
}

async function writeSteps(context: Context, found: readonly Step[], { resealed }: Tally): Promise<void> {
  if (found.length === 0) return
  const written = await context.storage.transaction(async (tx) => {
    const kinds: Kind[] = []
    for (const step of found) if (await step.write(tx)) kinds.push(step.kind)
    return kinds
  })
  for (const kind of written) resealed[kind]++
}

/** Works through a list page by page. Resolves to how much there was to reseal. */
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
  return inApps + inResponses
}

async function newTally({ storage }: Context, { onProgress }: RekeyOptions): Promise<Tally> {
  const total = (await storage.countApps({})) + (await storage.countStoredResponses())
  let looked = 0
  return {
    resealed: { tokenSecrets: 0, signingKeys: 0, webhooks: 0, storedResponses: 0 },
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

/**
 * Reseals everything under the first master key: in short transactions, each write only in the place of what was read, so
 * that it may run beside servers, be broken off and be begun again. The check record comes last, after a walk that found
 * nothing left: as long as anything needs the old key, a start with the new one alone is refused.
 *
 * @throws {LicensingError} `master_key` when something opens with none of the keys; `conflict` when others go on sealing
 * under another one.
 */
export async function rekey(context: Context, options: RekeyOptions = {}): Promise<RekeyResult> {
  const tally = await newTally(context, options)
  const attempt = async (): Promise<Record<Kind, number> | null> =>
    (await walkAll(context, tally)) === 0 ? tally.resealed : null
  const resealed = await retryUntilWon(attempt, { tries: mostWalks, lost: othersSeal })
  return { ...resealed, keyCheck: await resealKeyCheck(context.storage, context.runtime.sealer) }
}
