/** A process of its own for the tests: opens the file named last as nobody, and says what came of it. */
import process from 'node:process'
import { LicensingError } from '../../src/core/index.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'

if (process.getuid?.() === 0) {
  process.setgid!(65_534)
  process.setuid!(65_534)
}
try {
  await sqliteStorage({ filename: process.argv.at(-1)! })
  console.log('opened')
} catch (error) {
  console.log(error instanceof LicensingError ? `${error.code}: ${error.message}` : error)
}
