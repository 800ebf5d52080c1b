// The licensing API on Deno, with Deno.serve. Run it: deno run --allow-all examples/server-deno.ts
// Put a proxy before it, because Deno.serve never closes a silent connection. `heartwood serve` does.
import { createLicensing } from 'heartwood'
import { licensingServer } from 'heartwood/elysia'
import { sqliteStorage } from 'heartwood/storage/sqlite'

// In production: use a file name, and load the same 32 bytes from your secret store at every start.
const storage = await sqliteStorage({ filename: ':memory:' })
const masterKey = crypto.getRandomValues(new Uint8Array(32))
const licensing = await createLicensing({ storage, masterKey })
const firstKey = await licensing.apiKeys.createFirst()
console.log(`API key: ${firstKey?.secret}`)

const app = licensingServer(licensing)
Deno.serve({ port: Number(Deno.env.get('PORT') ?? 4000), hostname: '127.0.0.1' }, app.fetch)

// These types are for editors that do not know Deno.
declare const Deno: {
  readonly env: { get(name: string): string | undefined }
  serve(
    options: { readonly port: number; readonly hostname: string },
    handler: (request: Request) => Response | Promise<Response>,
  ): unknown
}
