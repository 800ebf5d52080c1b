/**
 * The reference for writes: `bare-writes.ts LOCATION`. It updates a customer by a prepared statement, over and over, and each
 * update has its own commit.
 */
import process from 'node:process'
import { openConnection } from '../src/storage/sqlite/connection.ts'
import { serveCommands } from './child-process.ts'
import { rateOf } from './measure.ts'

const connection = await openConnection(process.argv[2]!, { readonly: false })
connection.exec('pragma synchronous = full; pragma busy_timeout = 5000; pragma foreign_keys = on')
let count = 0

await serveCommands(null, {
  rate: (milliseconds) =>
    rateOf(Number(milliseconds), 1, async () => {
      connection.prepare('update heartwood_customer set name = ?').run([`Ada ${++count}`])
    }),
})
connection.close()
process.exit(0)
