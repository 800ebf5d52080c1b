// Receives webhook events and rejects each one that Heartwood did not sign. Your shop, mail or support can react here.
// Get the secret from GET /api/v1/apps/:slug/webhook-secret, with a secret key.
import { createServer } from 'node:http'
import process from 'node:process'
import { Webhook } from 'standardwebhooks'

interface LicenseEvent {
  readonly type: string
  readonly data: { readonly license_id?: string; readonly sequence?: number }
}

const webhook = new Webhook(process.env.WEBHOOK_SECRET ?? `whsec_${btoa('only for trying this out')}`)
// In production: keep these ids in your database. Heartwood sends an event again if your response got lost.
const seen = new Set<string>()

const server = createServer(async (request, response) => {
  const respond = (status: number): void => void response.writeHead(status).end()
  if (request.method !== 'POST') return respond(200)
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk)
  // Verify the bytes as they arrived. Parsing and serializing them again may change them.
  const body = Buffer.concat(chunks).toString('utf8')
  let event: LicenseEvent
  try {
    event = webhook.verify(body, request.headers as Record<string, string>) as LicenseEvent
  } catch {
    return respond(401)
  }
  const id = String(request.headers['webhook-id'])
  if (!seen.has(id)) console.log(event.type, event.data.license_id ?? '')
  seen.add(id)
  // Respond at once, and do the work afterwards. After 15 seconds Heartwood sends the event again.
  respond(204)
})
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
