// Receives the events of Heartwood and takes none that anybody else made up: where your shop, mail or support react.
// The secret comes from GET /api/v1/apps/:slug/webhook-secret, which needs a secret key.
import { createServer } from 'node:http'
import process from 'node:process'
import { Webhook } from 'standardwebhooks'

interface LicenseEvent {
  readonly type: string
  readonly data: { readonly license_id?: string; readonly sequence?: number }
}

const webhook = new Webhook(process.env.WEBHOOK_SECRET ?? `whsec_${btoa('only for trying this out')}`)
// In earnest: in your database. What was seen is sent again when an answer got lost on its way.
const seen = new Set<string>()

const server = createServer(async (request, response) => {
  const answer = (status: number): void => void response.writeHead(status).end()
  if (request.method !== 'POST') return answer(200)
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk)
  // The bytes as they came: parsed and written again they might be others.
  const body = Buffer.concat(chunks).toString('utf8')
  let event: LicenseEvent
  try {
    event = webhook.verify(body, request.headers as Record<string, string>) as LicenseEvent
  } catch {
    return answer(401)
  }
  const id = String(request.headers['webhook-id'])
  if (!seen.has(id)) console.log(event.type, event.data.license_id ?? '')
  seen.add(id)
  // At once: what takes longer than 15 seconds is sent again. Do the work behind it.
  answer(204)
})
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
