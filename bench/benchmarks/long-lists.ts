import type { Benchmark } from '../benchmark.ts'
import { openDirectConnection } from '../direct-connection.ts'
import { addLicenses, openFixture, type Fixture } from '../fixtures.ts'
import { formatNumber, type Result } from '../result.ts'
import { idleTurn, turnRow, type Turns, watchTurns } from '../turns.ts'

/** Gives three of ten licenses an end in the past, and each license a customer of its own. */
const scatter = [
  `update heartwood_license set expires_at = expires_at - 40000000 where rowid % 10 < 3`,
  `insert into heartwood_customer (id, app_id, email, folded_email, metadata, created_at, updated_at)
   select replace(id, 'lic_', 'cus_'), app_id, 'visitor.' || rowid || '@example.com',
     'visitor.' || rowid || '@example.com', '{}', created_at, updated_at from heartwood_license`,
]

type Read = (fixture: Fixture, count: number) => Promise<unknown>

const reads: Readonly<Record<string, Read>> = {
  'the first page of licenses, with the total': ({ licensing }) => licensing.licenses.list('bench'),
  'the active licenses of a tier': ({ licensing }) =>
    licensing.licenses.list('bench', { tierId: 'pro', status: 'active' }),
  'the expired licenses': ({ licensing }) => licensing.licenses.list('bench', { status: 'expired' }),
  'the last page of licenses by its number': ({ licensing }, count) =>
    licensing.licenses.list('bench', { page: count / 20 }),
  'the first page of customers': ({ licensing }) => licensing.customers.list('bench'),
  'a part of an e-mail that nobody has': ({ licensing }) =>
    licensing.customers.list('bench', { email: 'nobody.' }),
}

/** Measures how long lists of very many records keep the event loop from others. */
export const longLists: Benchmark = async ({ rounds, licenses }, databases) => {
  const fixture = await openFixture(await databases.create('licenses'), 'bench')
  await addLicenses(fixture, licenses)
  const connection = await openDirectConnection(fixture.location)
  for (const statement of scatter) await connection.run(statement, [])
  await connection.close()
  const results: Result[] = []
  for (const [name, read] of Object.entries(reads)) {
    const [idle, turns]: [number[], Turns[]] = [[], []]
    for (let round = 0; round < rounds; round++) {
      idle.push(await idleTurn())
      turns.push(await watchTurns(() => read(fixture, licenses)))
    }
    results.push(turnRow(`${name}, of ${formatNumber(licenses)}`, turns, idle))
  }
  await fixture.close()
  return results
}
