import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import folder from 'swagger-ui-dist/absolute-path.js'
import { cacheable } from '../http/cacheable.ts'
import { openApiDocument } from './openapi.ts'
import { pathAndQuery } from '../http/path.ts'
import { empty, json, type Reply } from '../http/reply.ts'

/** Nothing from elsewhere, nothing inline, nobody's frame. Swagger UI's own icons are data in its style sheet. */
const policy = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:"],
  ...["connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join('; ')

// All addresses are relative, so that the page is right under a host's prefix and behind a proxy too.
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

// validatorUrl: without it, Swagger UI sends the document's address to a validator on the internet.
const start = `SwaggerUIBundle({
  url: 'swagger/json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  validatorUrl: null,
  docExpansion: 'list',
  defaultModelsExpandDepth: -1,
})
`

type Answer = (request: Request) => Promise<Reply>

/** Makes something at its first use, and again only when that failed. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined
      throw error
    })
    return made
  }
}

function ownPage(): Answer {
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy,
    'referrer-policy': 'no-referrer',
  }
  return async (request) =>
    // From behind another slash the page's own addresses would lead nowhere.
    pathAndQuery(request)[0].endsWith('/')
      ? empty(308, { location: '../swagger' })
      : { status: 200, headers, body: page }
}

function asset(name: string, contentType: string): Answer {
  const text = once(() => readFile(join(folder(), name), 'utf8'))
  return async (request) => cacheable(request, await text(), contentType)
}

function icon(): Answer {
  const bytes = once(() => readFile(join(folder(), 'favicon-32x32.png')))
  const headers = { 'content-type': 'image/png', 'cache-control': 'public, max-age=86400' }
  return async () => ({ status: 200, headers, body: Uint8Array.from(await bytes()) })
}

function openApi(): Answer {
  const document = once(openApiDocument)
  return async () => json(await document())
}

/** What is served at `/swagger` and below, by path: the OpenAPI document, and Swagger UI with all that it needs. */
export const documents: readonly (readonly [path: string, answer: Answer])[] = [
  ['/swagger', ownPage()],
  ['/swagger/', ownPage()],
  ['/swagger/json', openApi()],
  ['/swagger/start.js', (request) => cacheable(request, start, 'text/javascript; charset=utf-8')],
  ['/swagger/swagger-ui.css', asset('swagger-ui.css', 'text/css; charset=utf-8')],
  ['/swagger/swagger-ui-bundle.js', asset('swagger-ui-bundle.js', 'text/javascript; charset=utf-8')],
  ['/swagger/favicon.png', icon()],
]
