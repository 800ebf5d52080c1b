/** Runs one row of the table in this process: `row.ts NAME EFFORT DATABASE`. Answers with its results as a line of JSON. */
import process from 'node:process'
import { openGround, type DatabaseName } from './databases.ts'
import type { Effort, Row } from './result.ts'
import { bulk } from './benchmarks/bulk-regeneration.ts'
import { clientSize } from './benchmarks/client-size.ts'
import { creation } from './benchmarks/app-creation.ts'
import { memory } from './benchmarks/memory.ts'
import { offline } from './benchmarks/verify-offline.ts'
import { pages } from './benchmarks/list-pages.ts'
import { peers } from './benchmarks/other-packages.ts'
import { regeneration } from './benchmarks/regeneration.ts'
import { rotation } from './benchmarks/rotation.ts'
import { verify } from './benchmarks/verify.ts'
import { waiting } from './benchmarks/verify-under-load.ts'

const rows: Readonly<Record<string, Row>> = {
  ...{ rotation, creation, regeneration, verify, waiting, bulk, pages, offline, memory, peers },
  'client-size': clientSize,
}

const [name = '', effort = '', database = 'SQLite'] = process.argv.slice(2)
const row = rows[name]
if (row === undefined) throw new Error(`There is no row ${name}`)
const ground = openGround(database as DatabaseName)
const results = await row(JSON.parse(effort) as Effort, ground).finally(() => ground.remove())
process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit(0))
