/** A process for the tests: opens the file of its last argument as an unprivileged user, and prints the outcome. */
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
