import type { Context } from '../context.ts'
import { findApp } from '../lookup.ts'
import { sees, visibleApps } from '../principal.ts'
import type { AppRecord } from '../storage/index.ts'
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

/** Looks for each of several values in the apps that the caller sees. With many apps it looks for the first values alone. */
export async function findEach<Thing>(
  context: Context,
  values: readonly string[],
  find: (app: AppRecord, value: string) => Promise<readonly Thing[]>,
): Promise<readonly Found<Thing>[]> {
  const apps = await newestApps(context)
  const found: Found<Thing>[] = []
  const most = Math.max(1, Math.floor(maxSearches / Math.max(1, apps.length)))
  for (const value of values.slice(0, most)) {
    const inApps = await findInApps(apps, async (app) => {
      const things = await find(app, value)
      return things.length === 0 ? null : things
    })
    found.push(...inApps.flatMap(({ app, thing }) => thing.map((each) => ({ app, thing: each }))))
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
