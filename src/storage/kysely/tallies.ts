import { sql, type RawBuilder } from 'kysely'
import type { TallyFilter, TallyRecord, TallyStorage } from '../../core/storage/index.ts'
import { KyselyBatches } from './batches.ts'
import { typed } from './dialect.ts'
import type { Reader, Writer } from './executor.ts'
import { isPresent } from './presence.ts'
import { tallyRows } from './rows.ts'
import { deleteTallies } from './tally-deletion.ts'

export abstract class KyselyTallies extends KyselyBatches implements TallyStorage {
  async addTallies(tallies: readonly TallyRecord[]): Promise<void> {
    if (tallies.length > 0) await this.executor.write((db) => addTallies(db, tallies))
  }

  async listTallies(filter: TallyFilter): Promise<readonly TallyRecord[]> {
    return tallyRows.toRecords(await this.executor.read((db) => matching(db, filter).selectAll().execute()))
  }

  async pruneTallies(filter: TallyFilter, limit: number): Promise<number> {
    const { length } = await this.executor.write((db) => deleteTallies(db, whereOf(filter), limit))
    return length
  }
}

function matching(db: Reader, { appId, span, from, before }: TallyFilter) {
  return db
    .selectFrom('heartwood_tally')
    .where('app_id', '=', appId)
    .where('span', '=', span)
    .where('starts_at', '>=', from)
    .where('starts_at', '<', before)
}

function whereOf({ appId, span, from, before }: TallyFilter): RawBuilder<unknown> {
  return sql`app_id = ${appId} and span = ${span} and starts_at >= ${from} and starts_at < ${before}`
}

/** In the order of the key, so that two servers that add at once never wait for each other's rows. */
async function addTallies(db: Writer, tallies: readonly TallyRecord[]): Promise<void> {
  const names = tallyRows.columns.map(({ name }) => sql.ref(name))
  const rows = tallies.map((tally) => {
    const values = tallyRows.toValues(tally)
    return sql`(${sql.join(tallyRows.columns.map(({ type }, at) => typed(values[at], type)))})`
  })
  await sql`
    with added (${sql.join(names)}) as (values ${sql.join(rows)})
    insert into heartwood_tally (${sql.join(names)})
    select ${sql.join(names)} from added
    where app_id in (select id from heartwood_app) and ${isPresent('app_id')}
    order by app_id, span, starts_at, name
    on conflict (app_id, span, starts_at, name)
    do update set count = heartwood_tally.count + excluded.count`.execute(db)
}
