import type { Actor } from '../actor.ts'
import type { Changes } from '../acts/changes.ts'
import type { Context } from '../context.ts'
import { may, sees, visibleApps } from '../principal.ts'
import type { AppRecord, AuditEntryRecord } from '../storage/index.ts'
import type { Diagnosis, DiagnosisKind, DiagnosticCause } from './diagnosis.ts'
import { failedAt, type Failed } from './ladder.ts'
import { issueAgain, sellAgain } from './remedies.ts'
import { timeOf } from './wording.ts'

/** A thing that was deleted, as the audit log tells of it. */
export interface Gone {
  readonly app: AppRecord
  readonly entry: AuditEntryRecord
  /** The thing that was deleted, and this one with it. */
  readonly owner: 'customer' | 'license_key' | null
}

/** Entries of a thing that are read, the newest ones. */
const maxEntries = 100

function entriesOf(
  { storage, principal }: Context,
  targetId: string,
  action?: string,
): Promise<readonly AuditEntryRecord[]> {
  const { mode, id: appId } = visibleApps(principal)
  return storage.listAuditEntries({ mode, appId, targetId, action }, { limit: action ? 1 : maxEntries })
}

/** The last owner of a license, by the entries of its changes. */
function ownerIn(entries: readonly AuditEntryRecord[], field: string): string | null {
  for (const { changes } of entries) {
    const [, after] = (JSON.parse(changes) as Changes)[field] ?? []
    if (typeof after === 'string') return after
  }
  return null
}

/** A license that went with its license key or customer has no entry of its own. */
async function findWithOwner(context: Context, id: string): Promise<Omit<Gone, 'app'> | null> {
  const entries = await entriesOf(context, id)
  for (const owner of ['license_key', 'customer'] as const) {
    const ownerId = ownerIn(entries, `${owner}_id`)
    const [entry] = ownerId === null ? [] : await entriesOf(context, ownerId, `${owner}.deleted`)
    if (entry !== undefined) return { entry, owner }
  }
  return null
}

/** Finds the deletion of a license or license key in the audit log, if the caller sees its app. */
export async function findGone(
  context: Context,
  noun: 'license' | 'license_key',
  id: string,
): Promise<Gone | null> {
  const [entry] = await entriesOf(context, id, `${noun}.deleted`)
  const gone = entry === undefined ? await findWithOwner(context, id) : { entry, owner: null }
  const appId = gone?.entry.appId ?? null
  const app = appId === null ? null : await context.storage.findApp(appId)
  return gone === null || app === null || !sees(context.principal, app) ? null : { app, ...gone }
}

const plainActors: Partial<Readonly<Record<Actor['type'], string>>> = {
  cli: 'the command line',
  embedder: 'the program that embeds the server',
  system: 'the server',
}

function actorOf({ actorLabel, actorId, actorType }: AuditEntryRecord): string {
  return actorLabel || actorId || (plainActors[actorType] ?? actorType)
}

const owners = { customer: ' with its customer', license_key: ' with its license key' } as const

/** The failed check of a thing that was deleted. Only a key that may read the audit log learns who did it. */
export function whenGone(
  { principal }: Context,
  cause: DiagnosticCause,
  { app, entry, owner }: Gone,
): Failed {
  const deletedBy = may(principal, 'audit:read') ? actorOf(entry) : null
  const how = owner === null ? '' : owners[owner]
  return {
    cause,
    code: 'not_found',
    sentence: `It was deleted${how} on ${timeOf(entry.createdAt)}${deletedBy === null ? '' : ` by ${deletedBy}`}.`,
    remedy: cause === 'no_license' ? issueAgain(app) : sellAgain(app),
    facts: { deletedAt: entry.createdAt, ...(deletedBy !== null && { deletedBy }) },
  }
}

/** The diagnosis of the first of several ids that was deleted; `null` if the audit log knows of none. */
export async function diagnoseGone(
  context: Context,
  kind: DiagnosisKind,
  noun: 'license' | 'license_key',
  ids: readonly string[],
): Promise<Diagnosis | null> {
  const cause = noun === 'license' ? 'no_license' : 'license_key_unknown'
  for (const id of ids) {
    const gone = await findGone(context, noun, id)
    if (gone !== null) return failedAt(kind, noun, whenGone(context, cause, gone), gone.app.slug)
  }
  return null
}
