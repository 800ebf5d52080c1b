/**
 * Runs one benchmark in this process: `run-benchmark.ts NAME EFFORT DATABASE`. Prints its results as one line of JSON.
 */
import process from 'node:process'
import type { Benchmark, Effort } from './benchmark.ts'
import { activation } from './benchmarks/activation.ts'
import { appCreation } from './benchmarks/app-creation.ts'
import { auditLog } from './benchmarks/audit-log.ts'
import { backgroundTurns } from './benchmarks/background-turns.ts'
import { bodyMemory } from './benchmarks/body-memory.ts'
import { bulkRegeneration } from './benchmarks/bulk-regeneration.ts'
import { clientSize } from './benchmarks/client-size.ts'
import { deletionLocks } from './benchmarks/deletion-locks.ts'
import { eventQueue } from './benchmarks/event-queue.ts'
import { importLicenses } from './benchmarks/import.ts'
import { largeDeletions } from './benchmarks/large-deletions.ts'
import { licenseKeys } from './benchmarks/license-keys.ts'
import { listPages } from './benchmarks/list-pages.ts'
import { longLists } from './benchmarks/long-lists.ts'
import { memory } from './benchmarks/memory.ts'
import { otherPackages } from './benchmarks/other-packages.ts'
import { regeneration } from './benchmarks/regeneration.ts'
import { renaming } from './benchmarks/renaming.ts'
import { rotation } from './benchmarks/rotation.ts'
import { rotationImpact } from './benchmarks/rotation-impact.ts'
import { search } from './benchmarks/search.ts'
import { startToFirstResponse } from './benchmarks/start.ts'
import { statementCost } from './benchmarks/statement-cost.ts'
import { statistics } from './benchmarks/statistics.ts'
import { verifyBesideWriters } from './benchmarks/verify-beside-writers.ts'
import { verify } from './benchmarks/verify.ts'
import { verifyTokens } from './benchmarks/verify-token.ts'
import { verifyOffline } from './benchmarks/verify-offline.ts'
import { walkStatements } from './benchmarks/walk-statements.ts'
import { verifyUnderLoad } from './benchmarks/verify-under-load.ts'
import { verifyWithoutFramework } from './benchmarks/verify-without-framework.ts'
import { writes } from './benchmarks/writes.ts'
import { openDatabases, type DatabaseName } from './databases.ts'

const benchmarks: Readonly<Record<string, Benchmark>> = {
  search,
  rotation,
  'rotation-impact': rotationImpact,
  'statement-cost': statementCost,
  'app-creation': appCreation,
  regeneration,
  activation,
  'license-keys': licenseKeys,
  verify,
  'verify-token': verifyTokens,
  'verify-under-load': verifyUnderLoad,
  'verify-without-framework': verifyWithoutFramework,
  'verify-beside-writers': verifyBesideWriters,
  writes,
  renaming,
  'bulk-regeneration': bulkRegeneration,
  'list-pages': listPages,
  'long-lists': longLists,
  'large-deletions': largeDeletions,
  'deletion-locks': deletionLocks,
  'background-turns': backgroundTurns,
  'event-queue': eventQueue,
  'audit-log': auditLog,
  statistics,
  'verify-offline': verifyOffline,
  'walk-statements': walkStatements,
  'client-size': clientSize,
  memory,
  'body-memory': bodyMemory,
  import: importLicenses,
  start: startToFirstResponse,
  'other-packages': otherPackages,
}

const [name = '', effort = '', database = 'SQLite'] = process.argv.slice(2)
const benchmark = benchmarks[name]
if (benchmark === undefined) throw new Error(`There is no benchmark ${name}`)
const databases = openDatabases(database as DatabaseName)
const results = await benchmark(JSON.parse(effort) as Effort, databases).finally(() => databases.removeAll())
process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit(0))
