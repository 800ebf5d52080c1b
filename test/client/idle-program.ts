/**
 * A program that opens its license and has nothing else to do. It must end, unless it waits for a refresh itself. It takes
 * its options as JSON, and prints the outcome of its last attempt to refresh.
 */
import { argv } from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { createLicenseClient } from '../../src/client/index.ts'
import { fileStore } from '../../src/client/file.ts'

const { now, path, refreshes, ...options } = JSON.parse(argv[2] ?? '') as {
  readonly publicKeys: string
  readonly token: string
  readonly now: number
  readonly path: string
  readonly refreshes: boolean
}

const client = await createLicenseClient({
  ...options,
  baseUrl: 'https://licenses.example.com',
  app: 'desktop-app',
  store: fileStore(path),
  fetch: () => Promise.reject(new TypeError('offline')),
  now: () => now,
})
// The client starts its work during the program's own.
await setTimeout(200)
const license = refreshes ? await client.refresh({ ifDue: true }) : client.license
console.log(license.lastAttempt?.outcome ?? null)
