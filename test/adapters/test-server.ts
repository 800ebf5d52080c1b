import { licensingServer, type ServerOptions } from '../../src/adapters/elysia.ts'
import openApi from '../../openapi.json' with { type: 'json' }
import type { LicensingOptions, ApiKeyWithSecret, Storage } from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { newShop, newWorld, type Shop, type World } from '../support/fixtures.ts'
import { inTemporaryFolder } from '../storage/temporary-folder.ts'
import {
  openApiChecker,
  type OpenApiChecker,
  type OpenApiDocument,
  type TestResponse,
} from './openapi-checker.ts'

type Fetch = (request: Request) => Promise<Response>

/** The parts of a request besides method and path. */
export interface Sent {
  /** The secret of an API key. */
  readonly key?: string
  /** Sent as JSON; bytes, text and streams are sent unchanged. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>> | readonly (readonly [string, string])[]
}

/** Sends a request and checks the response against the OpenAPI document. Paths are below `/api/v1`. */
export type Send = (method: string, path: string, sent?: Sent) => Promise<TestResponse>

export interface TestServer extends World {
  readonly fetch: Fetch
  readonly send: Send
  /** Secrets of unbound keys. */
  readonly keys: {
    readonly sk: string
    readonly pk: string
    readonly testSk: string
    readonly testPk: string
  }
}

export const document: OpenApiDocument = openApi as unknown as OpenApiDocument
export const checker: OpenApiChecker = openApiChecker(document)

export async function read(response: Response): Promise<TestResponse> {
  const bytes = new Uint8Array(await response.arrayBuffer())
  const text = new TextDecoder().decode(bytes)
  const json = <Body>(): Body => JSON.parse(text) as Body
  return {
    status: response.status,
    headers: response.headers,
    bytes,
    text,
    json,
    data: <Data>() => json<{ data: Data }>().data,
    error: () => json<{ error: ReturnType<TestResponse['error']> }>().error,
  }
}

function isRaw(body: unknown): body is BodyInit {
  return typeof body === 'string' || body instanceof Uint8Array || body instanceof ReadableStream
}

/** The status of a response, and the code of an error: `201`, `409 conflict`. */
export function endOf(response: TestResponse): string {
  return response.status < 400 ? `${response.status}` : `${response.status} ${response.error().code}`
}

/** The request that `send` makes. */
export function requestTo(origin: string, method: string, path: string, sent: Sent = {}): Request {
  const headers = new Headers(sent.headers as [string, string][] | undefined)
  if (sent.key !== undefined) headers.set('authorization', `Bearer ${sent.key}`)
  const body = isRaw(sent.body) || sent.body === undefined ? sent.body : JSON.stringify(sent.body)
  if (body !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json')
  const url = origin + (path.startsWith('/api/') || path.startsWith('/swagger') ? path : `/api/v1${path}`)
  return new Request(url, {
    method,
    headers,
    ...(body !== undefined && { body, duplex: 'half' }),
  } as RequestInit)
}

/** Makes `send` of a fetch function. */
export function sender(fetch: Fetch, origin = 'http://localhost'): Send {
  return async (method, path, sent) => {
    const request = requestTo(origin, method, path, sent)
    const response = await read(await fetch(request))
    checker.check(method, new URL(request.url).pathname, response)
    return response
  }
}

/** Makes a key. Resolves to its secret. */
export async function secretOf(world: World, key: object): Promise<string> {
  return ((await world.licensing.apiKeys.create(key)) as ApiKeyWithSecret).secret
}

/** Serves a world and creates a key of each type and mode. */
export async function serve<W extends World>(world: W, options: ServerOptions = {}): Promise<W & TestServer> {
  const app = licensingServer(world.licensing, { standalone: true, ...options })
  const fetch: Fetch = async (request) => app.fetch(request)
  const keys = {
    sk: await secretOf(world, { type: 'sk', mode: 'live' }),
    pk: await secretOf(world, { type: 'pk', mode: 'live' }),
    testSk: await secretOf(world, { type: 'sk', mode: 'test' }),
    testPk: await secretOf(world, { type: 'pk', mode: 'test' }),
  }
  return { ...world, fetch, send: sender(fetch), keys }
}

/** A server that has only its keys. */
export async function newServer(options: Partial<LicensingOptions> = {}): Promise<TestServer> {
  return serve(await newWorld(options))
}

/** A server with the app `desktop-app`, the tier `pro` and one customer. */
export async function newShopServer(options: Partial<LicensingOptions> = {}): Promise<Shop & TestServer> {
  return serve(await newShop(options))
}

/** The storages for tests that depend on storage. */
export const storages: readonly (readonly [
  name: string,
  use: (work: (storage: Storage) => Promise<void>) => Promise<void>,
])[] = [
  ['memory', (work) => work(memoryStorage())],
  [
    'SQLite',
    (work) =>
      inTemporaryFolder(async (folder) => {
        const storage = await sqliteStorage({ filename: `${folder}/heartwood.db` })
        await work(storage).finally(() => storage.close())
      }),
  ],
]

/** The fields of a body. */
export type Json = Record<string, unknown>
