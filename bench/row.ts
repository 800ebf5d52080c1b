/** Runs one row of the table in this process: `row.ts NAME EFFORT DATABASE`. Answers with its results as a line of JSON. */
import process from 'node:process'
import { openGround, type DatabaseName } from './ground.ts'
import type { Effort, Row } from './result.ts'
import { bulk } from './rows/bulk.ts'
import { clientSize } from './rows/client-size.ts'
import { creation } from './rows/creation.ts'
import { memory } from './rows/memory.ts'
import { offline } from './rows/offline.ts'
import { pages } from './rows/pages.ts'
import { peers } from './rows/peers.ts'
import { regeneration } from './rows/regeneration.ts'
import { rotation } from './rows/rotation.ts'
import { verify } from './rows/verify.ts'
import { waiting } from './rows/waiting.ts'

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
