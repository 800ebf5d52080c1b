import type { AuditEntryRecord } from '../../src/core/index.ts'
import { newTypeId } from '../../src/core/ids.ts'
import type { Benchmark } from '../benchmark.ts'
import { thisRuntime } from '../child-process.ts'
import { openFixture, type Fixture } from '../fixtures.ts'
import { durationOf, spreadOf } from '../measure.ts'
import { formatMedian, formatNumber, type Result } from '../result.ts'
import { idleTurn, turnRow, type Turns, watchTurns } from '../turns.ts'

const mostEntries = 100_000
const atOnce = 500

function entryOf({ app }: Fixture, number: number): AuditEntryRecord {
  return {
    id: newTypeId('aud'),
    appId: app.id,
    mode: app.mode,
    createdAt: Math.floor(Date.now() / 1000),
    actorType: 'api_key',
    actorId: newTypeId('key'),
    actorLabel: 'Ana, support',
    action: 'license.updated',
    targetType: 'license',
    targetId: newTypeId('lic'),
    changes: JSON.stringify({ expires_at: [null, new Date(number * 1000).toISOString()] }),
    requestId: crypto.randomUUID(),
    seq: null,
    mac: null,
  }
}

async function addSealed(fixture: Fixture, count: number): Promise<void> {
  for (let added = 0; added < count; added += atOnce) {
    const entries = Array.from({ length: Math.min(atOnce, count - added) }, (_, index) =>
      entryOf(fixture, added + index),
    )
    await fixture.storage.insertAuditEntries(entries)
  }
  while ((await fixture.licensing.audit.seal()) > 0);
}

/** Measures the verification of the audit log, and how long it keeps the event loop from others. */
export const auditLog: Benchmark = async ({ rounds, licenses }, databases) => {
  const count = Math.min(licenses, mostEntries)
  const fixture = await openFixture(await databases.create('entries'), 'bench')
  await addSealed(fixture, count)
  const [idle, turns]: [number[], Turns[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    idle.push(await idleTurn())
    turns.push(
      await watchTurns(async () => {
        const { fault } = await fixture.licensing.audit.verify()
        if (fault !== null) throw new Error(fault.reason)
      }),
    )
  }
  const alone: number[] = []
  for (let round = 0; round < rounds; round++)
    alone.push(await durationOf(() => fixture.licensing.audit.verify()))
  await fixture.close()
  const what = `verify ${formatNumber(count)} entries of the audit log`
  const row: Result = {
    what: `V${what.slice(1)}`,
    against: '',
    runtime: thisRuntime,
    database: databases.database,
    figure: spreadOf(alone),
    unit: 'ms',
    goal: { atMost: 2_000 },
    detail: `${formatMedian(alone.map((duration) => (count * 1000) / duration))} entries a second`,
  }
  return [row, { ...turnRow(what, turns, idle), database: databases.database }]
}
