// The licensing API beside your own routes, on node:http without a framework. Run it: node examples/server-node.ts
import { createServer } from 'node:http'
import { createLicensing } from 'heartwood'
import { createHandler } from 'heartwood/http'
import { toNodeHandler } from 'heartwood/node'
import { sqliteStorage } from 'heartwood/storage/sqlite'

// In production: use a file name, and load the same 32 bytes from your secret store at every start.
const storage = await sqliteStorage({ filename: ':memory:' })
const masterKey = crypto.getRandomValues(new Uint8Array(32))
const licensing = await createLicensing({ storage, masterKey })
const firstKey = await licensing.apiKeys.createFirst()

const handler = toNodeHandler(createHandler(licensing, { rateLimits: {} }))
const port = Number(process.env.PORT ?? 4000)
createServer((request, response) =>
  handler(request, response, () => response.end('Welcome to my shop')),
).listen(port, '127.0.0.1')

console.log(`Listening on http://127.0.0.1:${port} with documentation at http://127.0.0.1:${port}/swagger`)
console.log(`API key: ${firstKey?.secret}`)
