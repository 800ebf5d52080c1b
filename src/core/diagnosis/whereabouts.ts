import type { Context } from '../context.ts'
import { findApp } from '../lookup.ts'
import { sees, visibleApps } from '../principal.ts'
import type { AppRecord, SearchRequest } from '../storage/index.ts'
import { maxValues } from './recognition.ts'

/** Apps that are searched, the newest ones. A text that names its app is looked up there alone. */
export const maxApps = 200
/** Apps that are searched at once. Then others get their turn, because SQLite is synchronous. */
const together = 10
/** Searches for all values of a text in all apps. */
const maxSearches = 400

/** The app of this slug or id, if the caller sees it. An app that it does not see costs the same as none. */
export async function visibleApp(context: Context, name: string): Promise<AppRecord | null> {
  const app = await findApp(context, name)
  return app !== null && sees(context.principal, app) ? app : null
}

/** The apps that the caller sees, newest first. */
export function newestApps({ storage, principal }: Context): Promise<readonly AppRecord[]> {
  return storage.listApps(visibleApps(principal), { limit: maxApps })
}

/** A thing, and the app that has it. */
export interface Found<Thing> {
  readonly app: AppRecord
  readonly thing: Thing
}

/** Looks in each app, and resolves to all that was found. */
export async function findInApps<Thing>(
  apps: readonly AppRecord[],
  find: (app: AppRecord) => Promise<Thing | null>,
): Promise<readonly Found<Thing>[]> {
  const found: Found<Thing>[] = []
  for (let at = 0; at < apps.length; at += together) {
    if (at > 0) await new Promise((resolve) => setTimeout(resolve))
    const some = apps.slice(at, at + together)
    const things = await Promise.all(some.map(find))
    things.forEach((thing, index) => {
      if (thing !== null) found.push({ app: some[index]!, thing })
    })
  }
  return found
}

/** The part of a search that stands for a value. */
export type Sought = Pick<SearchRequest, 'kinds'> &
  Partial<Pick<SearchRequest, 'text' | 'licenseId' | 'installationId' | 'emailPrefix'>>

/** Hits of a search, more than a person would choose from. */
const maxHits = 100

const nothing = { text: '', licenseId: null, installationId: null, emailPrefix: '', namePrefix: '' } as const

/** The apps that have the value, newest first; `null` if it has so many hits that some may be missing. */
async function appsWith(
  { storage, principal }: Context,
  sought: Sought,
): Promise<readonly AppRecord[] | null> {
  const apps = visibleApps(principal)
  const hits = await storage.search({ ...nothing, ...sought, apps, limit: maxHits })
  if (hits.length === maxHits) return null
  const ids = [...new Set(hits.map(({ appId }) => appId))].toSorted().toReversed()
  const found = await Promise.all(ids.map((id) => storage.findApp(id)))
  return found.filter((app) => app !== null)
}

type Find<Thing> = (app: AppRecord, value: string) => Promise<readonly Thing[]>

async function findIn<Thing>(
  apps: readonly AppRecord[],
  value: string,
  find: Find<Thing>,
): Promise<readonly Found<Thing>[]> {
  const inApps = await findInApps(apps, async (app) => {
    const things = await find(app, value)
    return things.length === 0 ? null : things
  })
  return inApps.flatMap(({ app, thing }) => thing.map((each) => ({ app, thing: each })))
}

/**
 * Looks for each of several values in the apps that the caller sees. What the search has an index for is found in all of them.
 * Anything else is looked up in the newest apps, and with many apps only for the first values.
 */
export async function findEach<Thing>(
  context: Context,
  values: readonly string[],
  find: Find<Thing>,
  soughtBy?: (value: string) => Sought,
): Promise<readonly Found<Thing>[]> {
  const found: Found<Thing>[] = []
  let searches = 0
  for (const value of values) {
    const known = soughtBy === undefined ? null : await appsWith(context, soughtBy(value))
    const apps = known ?? (await newestApps(context))
    if (searches > 0 && searches + apps.length > maxSearches) break
    searches += apps.length
    found.push(...(await findIn(apps, value, find)))
    if (found.length > maxValues) break
  }
  return found
}

/** A list of what was found, or an empty one. */
export function listOf<Thing>(found: Thing | null): readonly Thing[] {
  return found === null ? [] : [found]
}

/** The slug of the app that has all that was found; `null` if several have it. */
export function sameApp(found: readonly Found<unknown>[]): string | null {
  const slugs = new Set(found.map(({ app }) => app.slug))
  return slugs.size === 1 ? [...slugs][0]! : null
}
