import type { Context } from './context.ts'
import { LicensingError } from './errors.ts'
import type { AppRecord } from './storage/index.ts'
import { afterCommit } from './transaction.ts'

/** The acts of licensed programs that change something, and that an app's statistics count. */
export type Act = 'renew' | 'activate'

/** Called by work once it knows the app. Only then its outcome counts, because outsiders send slugs that nobody has. */
export type OnApp = (app: AppRecord) => void

/** Runs work, and counts its refusal in the statistics of the app. */
export async function countRefusal<Result>(
  { runtime }: Context,
  act: Act,
  work: (onApp: OnApp) => Promise<Result>,
): Promise<Result> {
  const known: AppRecord[] = []
  try {
    return await work((app) => void known.push(app))
  } catch (error) {
    const [app] = known
    if (app !== undefined && error instanceof LicensingError)
      runtime.tallies.count(app.id, `${act}.${error.code}`, runtime.now())
    throw error
  }
}

/** Runs work, and counts its success or its refusal in the statistics of the app. */
export async function countOutcome<Result>(
  context: Context,
  act: Act,
  work: (onApp: OnApp) => Promise<Result>,
): Promise<Result> {
  const { runtime } = context
  return countRefusal(context, act, async (onApp) => {
    const known: AppRecord[] = []
    const result = await work((app) => {
      known.push(app)
      onApp(app)
    })
    const [app] = known
    if (app !== undefined)
      afterCommit(context, () => runtime.tallies.count(app.id, `${act}.ok`, runtime.now()))
    return result
  })
}
