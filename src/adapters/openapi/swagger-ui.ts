import { assetReply, lazyAssets, requireAsset } from '../assets/asset.ts'
import { cacheable } from '../http/cacheable.ts'
import { pathAndQuery } from '../http/path.ts'
import { empty, type Reply } from '../http/reply.ts'
import { openApiText } from './document.ts'

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

const plainText = 'text/plain; charset=utf-8'

type Responder = (request: Request) => Promise<Reply>

const files = lazyAssets(() => import('../generated/swagger-ui.ts'))

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
  return async (request) => assetReply(request, requireAsset(await files(), name), contentType)
}

function openApi(publicUrl: string | null): Responder {
  const headers = { 'content-type': 'application/json' }
  return async () => ({ status: 200, headers, body: await openApiText(publicUrl) })
}

type DocumentReply = readonly [path: string, reply: Responder]

const swaggerUi: readonly DocumentReply[] = [
  ['/swagger', indexPage()],
  ['/swagger/', indexPage()],
  ['/swagger/start.js', (request) => cacheable(request, start, 'text/javascript; charset=utf-8')],
  ['/swagger/swagger-ui.css', asset('swagger-ui.css', 'text/css; charset=utf-8')],
  ['/swagger/swagger-ui-bundle.js', asset('swagger-ui-bundle.js', 'text/javascript; charset=utf-8')],
  ['/swagger/favicon.png', asset('favicon-32x32.png', 'image/png')],
  // The header of the script names the first of these; the Apache License asks for the second.
  ['/swagger/swagger-ui-bundle.js.LICENSE.txt', asset('swagger-ui-bundle.js.LICENSE.txt', plainText)],
  ['/swagger/LICENSE.txt', asset('LICENSE.txt', plainText)],
]

/** The responders at `/swagger` and below, by path: the OpenAPI document, and Swagger UI with its files. */
export function documents(publicUrl: string | null): readonly DocumentReply[] {
  return [...swaggerUi, ['/swagger/json', openApi(publicUrl)]]
}
