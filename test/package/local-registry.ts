import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import jsr from '../../jsr.json' with { type: 'json' }
import manifest from '../../package.json' with { type: 'json' }
import { publishToLocalJsr } from './local-jsr.ts'
import { emptyFolder, run } from './programs.ts'
import { tarball } from './tarball.ts'

/** A registry that serves this version as npm and JSR will after its release. */
export interface Registry {
  /** The environment variables that make npm, Bun and Deno use the registry. */
  readonly env: Readonly<Record<string, string>>
  close(): void
}

/** The body of a response, or `null` for the path of another package. */
type Body = Buffer | object | null

const digest = (algorithm: string, data: Buffer, encoding: 'hex' | 'base64'): string =>
  createHash(algorithm).update(data).digest(encoding)

/** Serves the npm package `heartwood` from its tarball. */
async function fromNpm(path: string, origin: string): Promise<Body> {
  const { name, version } = manifest
  const file = `/${name}/-/${name}-${version}.tgz`
  if (path !== `/${name}` && path !== file) return null
  const data = readFileSync(await tarball())
  if (path === file) return data
  const integrity = `sha512-${digest('sha512', data, 'base64')}`
  const dist = { tarball: `${origin}${file}`, integrity, shasum: digest('sha1', data, 'hex') }
  return { name, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } } }
}

let sources: Promise<string> | undefined

function filesOf(folder: string): Readonly<Record<string, object>> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile())
  const described = files.map(({ parentPath, name }) => {
    const data = readFileSync(join(parentPath, name))
    const checksum = `sha256-${digest('sha256', data, 'hex')}`
    return [join(parentPath, name).slice(folder.length), { size: data.length, checksum }]
  })
  return Object.fromEntries(described) as Record<string, object>
}

/** Serves the JSR package from the sources that `deno publish` sends. */
async function fromJsr(path: string): Promise<Body> {
  const { name, version, exports } = jsr
  if (!path.startsWith(`/jsr/${name}/`)) return null
  const rest = path.slice(`/jsr/${name}/`.length)
  if (rest === 'meta.json') return { latest: version, versions: { [version]: {} } }
  const folder = await (sources ??= publishToLocalJsr())
  if (rest === `${version}_meta.json`) return { manifest: filesOf(folder), exports }
  const file = join(folder, rest.slice(version.length))
  return existsSync(file) ? readFileSync(file) : null
}

interface Forwarded {
  readonly status: number
  readonly type: string
  readonly body: Buffer
}

/** The responses of the upstream registry, because each program here asks for the same packages with an empty cache. */
const forwarded = new Map<string, Promise<Forwarded>>()

async function ask(
  address: URL,
  method: string,
  accept: string,
  body: Uint8Array<ArrayBuffer> | null,
): Promise<Forwarded> {
  const response = await fetch(address, { method, headers: { accept }, body })
  const type = response.headers.get('content-type') ?? 'application/octet-stream'
  return { status: response.status, type, body: Buffer.from(await response.arrayBuffer()) }
}

/** Asks once for what is there. Whatever failed is asked for again. */
async function askOnce(address: URL, accept: string): Promise<Forwarded> {
  const name = `${accept} ${address}`
  const asked = forwarded.get(name) ?? ask(address, 'GET', accept, null)
  forwarded.set(name, asked)
  const { status } = await asked.catch(() => ({ status: 0 }))
  if (status !== 200) forwarded.delete(name)
  return asked
}

async function forward(request: IncomingMessage, response: ServerResponse, upstream: string): Promise<void> {
  const { method = 'GET', url = '', headers } = request
  const { accept = '*/*' } = headers
  const address = new URL(url.slice(1), upstream)
  const asked =
    method === 'GET'
      ? askOnce(address, accept)
      : ask(address, method, accept, new Uint8Array(await buffer(request)))
  const { status, type, body } = await asked
  response.writeHead(status, { 'content-type': type }).end(body)
}

function send(response: ServerResponse, body: Buffer | object): void {
  const isFile = Buffer.isBuffer(body)
  const type = isFile ? 'application/typescript' : 'application/json'
  response.writeHead(200, { 'content-type': type }).end(isFile ? body : JSON.stringify(body))
}

/**
 * Starts a registry on this machine: `heartwood` comes from its tarball, `jsr:@heartwood/heartwood` from the sources, and
 * every other package from the registry that npm uses here. The caches are empty at first, so that no program
 * gets an earlier build of the same version.
 */
export async function startRegistry(): Promise<Registry> {
  const upstream = (await run(['npm', 'config', 'get', 'registry'])).stdout.trim()
  const server = createServer((request, response) => void respond(request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/'
    try {
      const own = (await fromNpm(path, origin)) ?? (await fromJsr(path))
      if (own !== null) send(response, own)
      else if (path.startsWith('/jsr/')) response.writeHead(404).end()
      else await forward(request, response, upstream)
    } catch (error) {
      response.writeHead(502).end(String(error))
    }
  }

  return {
    env: {
      npm_config_registry: `${origin}/`,
      NPM_CONFIG_REGISTRY: `${origin}/`,
      JSR_URL: `${origin}/jsr/`,
      npm_config_cache: emptyFolder(),
      DENO_DIR: emptyFolder(),
      BUN_INSTALL_CACHE_DIR: emptyFolder(),
      NO_COLOR: '1',
    },
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
