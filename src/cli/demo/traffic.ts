import type { Storage, TallyRecord } from '../../core/storage/index.ts'
import { day } from '../../core/time.ts'
import type { Chance } from './chance.ts'

const hour = 3_600

/** The replies to programs on a usual day. */
const daily: Readonly<Record<string, number>> = {
  'verify.ok': 264,
  'verify.token_expired': 9,
  'verify.license_revoked': 5,
  'verify.not_found': 3,
  'renew.ok': 121,
  'renew.token_expired': 6,
  'renew.license_revoked': 2,
  'activate.ok': 3,
  'activate.seat_limit_reached': 2,
}

const days = 30

/** People work by day, so programs ask more often then. */
function busyness(startsAt: number): number {
  return 1 + 0.8 * Math.sin((((startsAt % day) / hour - 8) / 24) * 2 * Math.PI)
}

function countOf(chance: Chance, expected: number): number {
  const wanted = expected * (0.7 + 0.6 * chance.next())
  return Math.floor(wanted) + (chance.happens(wanted % 1) ? 1 : 0)
}

/** The tallies of the days of these hours. */
function daysOf(hours: readonly TallyRecord[]): readonly TallyRecord[] {
  const sums = new Map<string, TallyRecord>()
  for (const tally of hours) {
    const startsAt = tally.startsAt - (tally.startsAt % day)
    const key = `${startsAt} ${tally.name}`
    const count = (sums.get(key)?.count ?? 0) + tally.count
    sums.set(key, { ...tally, span: 'day', startsAt, count })
  }
  return [...sums.values()]
}

/** Counts a month of replies to programs, up to this hour. */
export async function tellTraffic(storage: Storage, appId: string, chance: Chance): Promise<void> {
  const now = Math.floor(Date.now() / 1000)
  const last = now - (now % hour)
  const hours = Array.from({ length: days * 24 }, (_, at) => last - at * hour)
    .flatMap((startsAt) =>
      Object.entries(daily).map(([name, usual]): TallyRecord => {
        const share = startsAt === last ? (now - last) / hour : 1
        const count = countOf(chance, (usual / 24) * busyness(startsAt) * share)
        return { appId, span: 'hour', startsAt, name, count }
      }),
    )
    .filter(({ count }) => count > 0)
  await storage.addTallies([...hours, ...daysOf(hours)])
}
