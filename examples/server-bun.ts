// The licensing API beside your own routes, in your own Elysia app on Bun. Run it: bun examples/server-bun.ts
import { Elysia } from 'elysia'
import { createLicensing } from 'heartwood'
import { licensingServer } from 'heartwood/elysia'
import { sqliteStorage } from 'heartwood/storage/sqlite'

// In production: use a file name, and load the same 32 bytes from your secret store at every start.
const storage = await sqliteStorage({ filename: ':memory:' })
const masterKey = crypto.getRandomValues(new Uint8Array(32))
const licensing = await createLicensing({ storage, masterKey })
const firstKey = await licensing.apiKeys.createFirst()

const app = new Elysia()
  .get('/', () => 'Welcome to my shop')
  .use(licensingServer(licensing))
  .listen({ port: process.env.PORT ?? 4000, hostname: '127.0.0.1' })

console.log(`Listening on ${app.server?.url} with documentation at ${app.server?.url}swagger`)
console.log(`API key: ${firstKey?.secret}`)
