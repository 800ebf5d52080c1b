import { version } from '../adapters/version.ts'

/** The page has no script and no style of its own. */
const headers = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex',
}

/** The addresses are relative, so that they hold behind a proxy that takes a prefix away. */
function textOf(hasDashboard: boolean): string {
  const links = [
    ...(hasDashboard ? [['dashboard', 'Dashboard']] : []),
    ['swagger', 'HTTP API'],
    ['api/health', 'Health'],
  ]
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Heartwood</title>
  </head>
  <body>
    <main>
      <h1>Heartwood ${version}</h1>
      <ul>
${links.map(([href, name]) => `        <li><a href="${href}">${name}</a></li>`).join('\n')}
      </ul>
    </main>
  </body>
</html>
`
}

/** True if the path of a request is `/`. Every request passes here, so it makes no URL. */
function isAtRoot({ url }: Request): boolean {
  const path = url.startsWith('/') ? 0 : url.indexOf('/', url.indexOf('//') + 2)
  const next = url[path + 1]
  return path !== -1 && (next === undefined || next === '?')
}

/** Responds to `GET /` with links to the rest of the server; `null` for every other request. */
export function startPage(hasDashboard: boolean): (request: Request) => Response | null {
  const text = textOf(hasDashboard)
  return (request) => {
    const { method } = request
    if ((method !== 'GET' && method !== 'HEAD') || !isAtRoot(request)) return null
    return new Response(method === 'HEAD' ? null : text, { headers })
  }
}
