// The reference for the start of a server: one Elysia route, listened to as `heartwood serve` does. Prints its address.
import { Elysia } from 'elysia'
import { serve } from 'srvx'

const app = new Elysia().get('*', () => ({ data: { valid: true } }))
const server = serve({ fetch: (request) => app.fetch(request), port: 0, hostname: '127.0.0.1', silent: true })
await server.ready()
console.log(`The server listens on ${server.url}`)
