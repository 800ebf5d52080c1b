import type { TallyFilter, TallyRecord, TallyStorage } from '../../core/storage/index.ts'
import type { Runner } from './runner.ts'
import { keyOf } from './table.ts'
import type { StoredTally, Tables } from './tables.ts'

export function tallyStorage({ read, write }: Runner): TallyStorage {
  return {
    addTallies: (added) =>
      write((tables) => {
        for (const tally of added) addTally(tables, tally)
      }),
    listTallies: (filter) =>
      read(({ tallies }) => [...tallies.ascending(filter.appId)].filter(passes(filter)).map(recordOf)),
    pruneTallies: (filter, limit) =>
      write(({ tallies }) => {
        const old = [...tallies.ascending(filter.appId)].filter(passes(filter)).slice(0, limit)
        for (const { id } of old) tallies.delete(id)
        return old.length
      }),
  }
}

function addTally({ apps, tallies }: Tables, tally: TallyRecord): void {
  const { appId, span, startsAt, name, count } = tally
  if (apps.get(appId) === null) return
  const id = keyOf(appId, span, `${startsAt}`, name)
  tallies.replace({ ...tally, id, count: (tallies.get(id)?.count ?? 0) + count })
}

function passes({ span, from, before }: TallyFilter): (tally: TallyRecord) => boolean {
  return (tally) => tally.span === span && tally.startsAt >= from && tally.startsAt < before
}

function recordOf({ id: _id, ...tally }: StoredTally): TallyRecord {
  return tally
}
