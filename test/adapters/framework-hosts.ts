import { serve as serveHono } from '@hono/node-server'
import { Elysia } from 'elysia'
import express from 'express'
import Fastify, { type FastifyInstance } from 'fastify'
import { Hono, type Context } from 'hono'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from 'srvx'
import { licensingServer } from '../../src/adapters/elysia.ts'
import { createHandler, type HandlerOptions } from '../../src/adapters/http.ts'
import { toNodeHandler } from '../../src/adapters/node.ts'
import { socketAddressOf } from '../../src/cli/listener.ts'
import type { Licensing } from '../../src/core/index.ts'
import { routeModule } from './next-route.ts'

/** A host app that listens. */
export interface Host {
  /** The address below which the API is. */
  readonly baseUrl: string
  readonly fetch: (request: Request) => Promise<Response>
  close(): Promise<void>
}

/** Starts a host app with the API in it, and a route of its own at `/shop`. */
export type StartHost = (licensing: Licensing, options: HandlerOptions) => Promise<Host>

const isBun = 'Bun' in globalThis
const isDeno = 'Deno' in globalThis
const hostname = '127.0.0.1'
const local = { port: 0, hostname }

const throughPort = (request: Request): Promise<Response> => fetch(request)

async function listenOnNode(listener: RequestListener, prefix = ''): Promise<Host> {
  const server = createServer(listener).listen(0, hostname)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    server.close()
  }
  return { baseUrl: `http://${hostname}:${port}${prefix}`, fetch: throughPort, close }
}

async function listenOnSrvx(
  fetch: (request: Request) => Response | Promise<Response>,
  prefix = '',
): Promise<Host> {
  const server = await serve({ fetch, ...local, silent: true, gracefulShutdown: false }).ready()
  const baseUrl = server.url!.replace(/\/$/, '') + prefix
  return { baseUrl, fetch: throughPort, close: () => server.close(true) }
}

const addressOf = (request: Request): string | null => (request as Request & { ip?: string }).ip ?? null

async function elysia(licensing: Licensing, options: HandlerOptions): Promise<Host> {
  const limits = isBun ? options : { ...options, clientAddress: socketAddressOf }
  const app = new Elysia().get('/shop', () => 'shop').use(licensingServer(licensing, limits))
  if (!isBun) return listenOnSrvx((request) => app.fetch(request))
  app.listen(local)
  return {
    baseUrl: `http://${hostname}:${app.server!.port}`,
    fetch: throughPort,
    close: async () => void (await app.stop(true)),
  }
}

async function plain(licensing: Licensing, options: HandlerOptions): Promise<Host> {
  const handler = createHandler(licensing, options)
  return listenOnSrvx((request) =>
    handler.serves(request) ? handler(request, { address: addressOf(request) }) : new Response('shop'),
  )
}

// Each of these modules fails on the other runtimes.
const { getConnInfo: connInfo } = isBun
  ? await import('hono/bun')
  : isDeno
    ? await import('hono/deno')
    : await import('@hono/node-server/conninfo')

const honoAddress = (context: Context): { readonly address: string | undefined } => ({
  address: connInfo(context).remote.address,
})

async function listenHono(app: Hono, prefix: string): Promise<Host> {
  if (isBun) {
    const server = Bun.serve({ ...local, fetch: (request, bun) => app.fetch(request, { server: bun }) })
    const close = (): Promise<void> => server.stop(true)
    return { baseUrl: `http://${hostname}:${server.port}${prefix}`, fetch: throughPort, close }
  }
  if (isDeno) {
    const { serve: serveOnDeno } = Reflect.get(globalThis, 'Deno') as DenoServe
    const server = serveOnDeno({ ...local, onListen: () => {} }, (request, info) => app.fetch(request, info))
    const close = (): Promise<void> => server.shutdown()
    return { baseUrl: `http://${hostname}:${server.addr.port}${prefix}`, fetch: throughPort, close }
  }
  const server = serveHono({ fetch: app.fetch, ...local })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = async (): Promise<void> => void server.close()
  return { baseUrl: `http://${hostname}:${port}${prefix}`, fetch: throughPort, close }
}

/** The part of Deno that the test needs. */
interface DenoServe {
  serve(
    options: object,
    handler: (request: Request, info: object) => Response | Promise<Response>,
  ): { readonly addr: { readonly port: number }; shutdown(): Promise<void> }
}

async function hono(licensing: Licensing, options: HandlerOptions): Promise<Host> {
  const handler = createHandler(licensing, { ...options, basePath: '/licensing' })
  const app = new Hono()
    .get('/shop', (context) => context.text('shop'))
    .all('/licensing/*', (context) => handler(context.req.raw, honoAddress(context)))
  return listenHono(app, '/licensing')
}

async function honoMount(licensing: Licensing, options: HandlerOptions): Promise<Host> {
  const handler = createHandler(licensing, options)
  const app = new Hono()
    .get('/shop', (context) => context.text('shop'))
    .mount('/licensing', handler, { optionHandler: honoAddress })
  return listenHono(app, '/licensing')
}

async function expressAtRoot(licensing: Licensing, options: HandlerOptions): Promise<Host> {
  const app = express()
    .use(toNodeHandler(createHandler(licensing, options)))
    .use(express.json())
    .get('/shop', (_request, response) => void response.send('shop'))
  return listenOnNode(app)
}

async function expressAfterJson(licensing: Licensing, options: HandlerOptions): Promise<Host> {
  const app = express()
    .use(express.json({ limit: '1mb' }))
    .use('/licensing', toNodeHandler(createHandler(licensing, options)))
    .get('/shop', (_request, response) => void response.send('shop'))
  return listenOnNode(app, '/licensing')
}

async function listenFastify(app: FastifyInstance, prefix: string): Promise<Host> {
  await app.listen({ port: 0, host: hostname })
  const { port } = app.server.address() as AddressInfo
  const close = async (): Promise<void> => {
    app.server.closeAllConnections()
    await app.close()
  }
  return { baseUrl: `http://${hostname}:${port}${prefix}`, fetch: throughPort, close }
}

async function fastify(licensing: Licensing, options: HandlerOptions): Promise<Host> {
  const handler = toNodeHandler(createHandler(licensing, options))
  const app = Fastify()
  app.addHook('onRequest', (request, reply, done) => void handler(request.raw, reply.raw, done))
  app.get('/shop', async () => 'shop')
  return listenFastify(app, '')
}

async function fastifyRoute(licensing: Licensing, options: HandlerOptions): Promise<Host> {
  const handler = toNodeHandler(createHandler(licensing, { ...options, basePath: '/licensing' }))
  const app = Fastify()
  app.get('/shop', async () => 'shop')
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    scope.all('/licensing/*', (request, reply) => {
      reply.hijack()
      return handler(request.raw, reply.raw)
    })
  })
  return listenFastify(app, '/licensing')
}

async function nodeHttp(licensing: Licensing, options: HandlerOptions): Promise<Host> {
  const handler = toNodeHandler(createHandler(licensing, options))
  return listenOnNode((req, res) => void handler(req, res, () => res.end('shop')))
}

async function next(licensing: Licensing, options: HandlerOptions): Promise<Host> {
  const route = routeModule(licensing, options)
  return {
    baseUrl: 'https://shop.example/licensing',
    fetch: (request) => route[request.method as keyof typeof route](request),
    close: async () => {},
  }
}

/** Every way in which a page of ours tells to serve the API. */
export const hosts: Readonly<Record<string, StartHost>> = {
  Elysia: elysia,
  'the plain handler': plain,
  'Hono, all()': hono,
  'Hono, mount()': honoMount,
  Express: expressAtRoot,
  'Express, below a prefix and after express.json()': expressAfterJson,
  Fastify: fastify,
  'Fastify, in a route without body parsers': fastifyRoute,
  'node:http': nodeHttp,
  'a route of Next.js': next,
}
