/** A program that opens its license and has nothing else to do: it must end. Its options come as JSON. */
import { argv } from 'node:process'
import { createLicenseClient } from '../../src/client/index.ts'

const { now, ...options } = JSON.parse(argv[2] ?? '') as {
  readonly publicKeys: string
  readonly token: string
  readonly now: number
}

const client = await createLicenseClient({
  ...options,
  baseUrl: 'https://licenses.example.com',
  app: 'desktop-app',
  fetch: () => Promise.reject(new TypeError('offline')),
  now: () => now,
})
console.log(client.license.state)
