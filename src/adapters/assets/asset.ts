import { Buffer } from 'node:buffer'
import { HttpError } from '../http/errors.ts'
import { unlessKnown } from '../http/cacheable.ts'
import type { Reply } from '../http/reply.ts'

/** A file of a page. `scripts/assets.mjs` makes it. */
export interface Asset {
  /** The entity tag of the unpacked file. */
  readonly etag: string
  /** The file, compressed with gzip, in base64. */
  readonly gzip: string
}

/** The files of a page, by their names. */
export type Assets = Readonly<Record<string, Asset>>

/** Loads a generated module at its first use. It tries again only after a failure. */
export function lazyAssets(load: () => Promise<{ readonly assets: Assets }>): () => Promise<Assets> {
  let loaded: Promise<Assets> | undefined
  return () => {
    loaded ??= load().then(
      ({ assets }) => assets,
      (error: unknown) => {
        loaded = undefined
        throw isMissing(error) ? notMade() : error
      },
    )
    return loaded
  }
}

/** Bun, Deno and Node give the same code to a module that does not exist. */
function isMissing(error: unknown): boolean {
  return (error as { readonly code?: unknown } | null)?.code === 'ERR_MODULE_NOT_FOUND'
}

/** Git ignores the generated modules, so a fresh clone lacks them until a script of npm has run. */
function notMade(): HttpError {
  return new HttpError('unavailable', 'This page is not built in this clone: run npm run assets')
}

/** The file of this name. @throws {Error} if the module lacks it. */
export function requireAsset(assets: Assets, name: string): Asset {
  const asset = assets[name]
  if (asset === undefined) throw new Error(`The generated module lacks ${name}`)
  return asset
}

/** The bytes of a file. */
export async function unpack({ gzip }: Asset): Promise<Uint8Array<ArrayBuffer>> {
  const unpacked = new Blob([packedBytes(gzip)]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Uint8Array(await new Response(unpacked).arrayBuffer())
}

function packedBytes(gzip: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(gzip, 'base64'))
}

/** True if the client takes gzip (RFC 9110 section 12.5.3). One that says nothing gets the plain file. */
export function takesGzip(acceptEncoding: string | null): boolean {
  const rows = (acceptEncoding ?? '').toLowerCase().split(',')
  const qualities = new Map(
    rows.map((row) => row.split(';')).map(([coding = '', quality = '']) => [coding.trim(), quality.trim()]),
  )
  const quality = qualities.get('gzip') ?? qualities.get('*')
  return quality !== undefined && !/^q=0(\.0*)?$/.test(quality)
}

/** Replies with a file of a page: compressed if the client takes that, and 304 if it has the file already. */
export async function assetReply(request: Request, asset: Asset, contentType: string): Promise<Reply> {
  const vary = { vary: 'accept-encoding', 'content-type': contentType }
  if (!takesGzip(request.headers.get('accept-encoding')))
    return unlessKnown(request, asset.etag, { headers: vary, body: () => unpack(asset) })
  // The compressed form is another representation, so it has a tag of its own.
  const etag = asset.etag.replace(/"$/, '-gz"')
  const headers = { ...vary, 'content-encoding': 'gzip' }
  return unlessKnown(request, etag, { headers, body: async () => packedBytes(asset.gzip) })
}
