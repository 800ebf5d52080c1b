import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import folder from 'swagger-ui-dist/absolute-path.js'
import { cacheable } from '../http/cacheable.ts'
import { openApiDocument } from './openapi.ts'
import { pathAndQuery } from '../http/path.ts'
import { empty, json, type Reply } from '../http/reply.ts'

/** Forbids other origins, inline code and frames. `data:` is for the icons in the style sheet of Swagger UI. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

// All URLs are relative, so that the page works under a host's prefix and behind a proxy too.
const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Heartwood API</title>
    <link rel="icon" type="image/png" href="swagger/favicon.png">
    <link rel="stylesheet" href="swagger/swagger-ui.css">
    <script src="swagger/swagger-ui-bundle.js" defer></script>
    <script src="swagger/start.js" defer></script>
  </head>
  <body>
    <div id="swagger-ui"></div>
  </body>
</html>
`

// Without validatorUrl, Swagger UI would send the URL of the document to a validator on the internet.
const start = `SwaggerUIBundle({
  url: 'swagger/json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  validatorUrl: null,
  docExpansion: 'list',
  defaultModelsExpandDepth: -1,
})
`

type Responder = (request: Request) => Promise<Reply>

/** Makes a value at its first use. It tries again only after a failure. */
function lazy<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined
      throw error
    })
    return made
  }
}

function indexPage(): Responder {
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy,
    'referrer-policy': 'no-referrer',
  }
  return async (request) =>
    // With a slash at the end, the relative URLs of the page would be wrong.
    pathAndQuery(request)[0].endsWith('/')
      ? empty(308, { location: '../swagger' })
      : { status: 200, headers, body: page }
}

function asset(name: string, contentType: string): Responder {
  const text = lazy(() => readFile(join(folder(), name), 'utf8'))
  return async (request) => cacheable(request, await text(), contentType)
}

function icon(): Responder {
  const bytes = lazy(() => readFile(join(folder(), 'favicon-32x32.png')))
  const headers = { 'content-type': 'image/png', 'cache-control': 'public, max-age=86400' }
  return async () => ({ status: 200, headers, body: Uint8Array.from(await bytes()) })
}

function openApi(publicUrl: string | null): Responder {
  const document = lazy(() => openApiDocument(publicUrl))
  return async () => json(await document())
}

type DocumentReply = readonly [path: string, reply: Responder]

const swaggerUi: readonly DocumentReply[] = [
  ['/swagger', indexPage()],
  ['/swagger/', indexPage()],
  ['/swagger/start.js', (request) => cacheable(request, start, 'text/javascript; charset=utf-8')],
  ['/swagger/swagger-ui.css', asset('swagger-ui.css', 'text/css; charset=utf-8')],
  ['/swagger/swagger-ui-bundle.js', asset('swagger-ui-bundle.js', 'text/javascript; charset=utf-8')],
  ['/swagger/favicon.png', icon()],
]

/** The responders at `/swagger` and below, by path: the OpenAPI document, and Swagger UI with its files. */
export function documents(publicUrl: string | null): readonly DocumentReply[] {
  return [...swaggerUi, ['/swagger/json', openApi(publicUrl)]]
}
