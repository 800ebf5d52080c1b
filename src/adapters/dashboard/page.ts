import { assetReply, lazyAssets, type Assets } from '../assets/asset.ts'
import { noSuchRoute } from '../http/errors.ts'
import { pathAndQuery } from '../http/path.ts'
import { empty, type Reply } from '../http/reply.ts'

/** Forbids other origins, inline code, frames, forms, and every way to make code of text. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const refusedFeatures = ['camera', 'clipboard-read', 'geolocation', 'microphone', 'payment', 'usb']

/** Headers of everything at `/dashboard` and below. */
export const guards: Reply['headers'] = {
  'content-security-policy': policy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': refusedFeatures.map((feature) => `${feature}=()`).join(', '),
  'referrer-policy': 'no-referrer',
  'x-robots-tag': 'noindex',
}

const contentTypes: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  woff2: 'font/woff2',
  txt: 'text/plain; charset=utf-8',
}

const files = lazyAssets(() => import('../generated/dashboard.ts'))

/** The file that a page begins with. */
function entry(assets: Assets, form: RegExp): string {
  const name = Object.keys(assets).find((known) => form.test(known))
  if (name === undefined) throw new Error('The generated module of the dashboard lacks its entry')
  return name
}

/** All addresses are relative, so that the page works under a host's prefix, and behind a proxy that takes one away. */
function pageText(assets: Assets): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Heartwood</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="dashboard/${entry(assets, /^main-.*\.css$/)}">
    <script type="module" src="dashboard/${entry(assets, /^main-.*\.js$/)}"></script>
  </head>
  <body><noscript>The dashboard needs JavaScript.</noscript></body>
</html>
`
}

/**
 * The page. It holds nothing of the person, and no route of its own: those are behind the `#`. With a slash at its end, the
 * relative addresses would be wrong.
 */
export async function pageReply(request: Request): Promise<Reply> {
  if (pathAndQuery(request)[0].endsWith('/')) return empty(308, { ...guards, location: '../dashboard' })
  const body = pageText(await files())
  return { status: 200, headers: { ...guards, 'content-type': 'text/html; charset=utf-8' }, body }
}

/** A file of the page. Its name has a hash of its content, so it never changes. @throws {HttpError} `no_such_route` */
export async function fileReply(request: Request, name: string): Promise<Reply> {
  const assets = await files()
  const contentType = contentTypes[name.slice(name.lastIndexOf('.') + 1)]
  if (contentType === undefined || !Object.hasOwn(assets, name)) throw noSuchRoute()
  const { status, headers, body } = await assetReply(request, assets[name]!, contentType)
  const caching = { 'cache-control': 'public, max-age=31536000, immutable' }
  return { status, headers: { ...headers, ...guards, ...caching }, body }
}
