import { sql, type RawBuilder } from 'kysely'
import type { NumericDate, WebhookQueue, WebhookQueueStorage } from '../../core/storage/index.ts'
import type { Reader } from './executor.ts'
import { isPresent } from './presence.ts'
import { KyselySnapshots } from './snapshots.ts'

export abstract class KyselyWebhookQueues extends KyselySnapshots implements WebhookQueueStorage {
  async findWebhookQueues(
    appIds: readonly string[],
    now: NumericDate,
    limit: number,
  ): Promise<readonly WebhookQueue[]> {
    const { executor } = this
    const size = executor.blocksLoop ? Math.max(1, Math.floor(countedAtOnce / limit)) : appIds.length
    const queues: WebhookQueue[] = []
    for (let at = 0; at < appIds.length; at += size)
      queues.push(...(await executor.read((db) => readQueues(db, appIds.slice(at, at + size), now, limit))))
    return queues
  }
}

/** Deliveries that one statement of SQLite may count: some five milliseconds of work. */
const countedAtOnce = 50_000

async function readQueues(
  db: Reader,
  appIds: readonly string[],
  now: NumericDate,
  limit: number,
): Promise<readonly WebhookQueue[]> {
  const { rows } = await sql<QueueRow>`
    select id, ${countOf(now, limit)} as due, ${oldest(0, now)} as oldest_first,
      ${oldest(1, now)} as oldest_second,
      (select disabled_at from heartwood_webhook where app_id = heartwood_app.id) as disabled_at
    from heartwood_app where id in (${sql.join(appIds)}) and ${isPresent('id')}`.execute(db)
  return rows.map(queueOf)
}

interface QueueRow {
  readonly id: string
  readonly due: number | string
  readonly oldest_first: number | string | null
  readonly oldest_second: number | string | null
  readonly disabled_at: number | string | null
}

/** A list of priorities makes the database enter the index once for each. */
function countOf(now: NumericDate, limit: number): RawBuilder<unknown> {
  return sql`(select count(*) from (
    select 1 from heartwood_delivery
    where app_id = heartwood_app.id and priority in (0, 1) and due_at <= ${now} limit ${limit}
  ) as counted)`
}

function oldest(priority: 0 | 1, now: NumericDate): RawBuilder<unknown> {
  return sql`(select due_at from heartwood_delivery
    where app_id = heartwood_app.id and priority = ${sql.lit(priority)} and due_at <= ${now}
    order by due_at limit 1)`
}

function timeOf(value: number | string | null): NumericDate | null {
  return value === null ? null : Number(value)
}

function queueOf({ id, due, oldest_first, oldest_second, disabled_at }: QueueRow): WebhookQueue {
  const times = [timeOf(oldest_first), timeOf(oldest_second)].filter((time) => time !== null)
  return {
    appId: id,
    due: Number(due),
    oldestDueAt: times.length === 0 ? null : Math.min(...times),
    disabledAt: timeOf(disabled_at),
  }
}
