import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { configure, reset, type LoggerConfig, type LogRecord } from '@logtape/logtape'
import express, { type RequestHandler } from 'express'
import Fastify from 'fastify'
import { createHandler, type Handler, type HandlerOptions } from '../../src/adapters/http.ts'
import { toNodeHandler } from '../../src/adapters/node.ts'
import { installation, newShop } from '../support/fixtures.ts'
import { hosts, type Host } from './framework-hosts.ts'
import { exchange, rawRequest } from './listening.ts'
import { endOf, read, requestTo, serve } from './test-server.ts'

async function handlerOf(options: HandlerOptions): Promise<Handler> {
  return createHandler((await newShop()).licensing, options)
}

async function whileHosted(
  start: (typeof hosts)[string],
  work: (host: Host) => Promise<void>,
): Promise<void> {
  const host = await start((await newShop()).licensing, {})
  await work(host).finally(() => host.close())
}

async function endAt(handler: Handler, path: string): Promise<string> {
  return endOf(await read(await handler(new Request(`http://localhost${path}`))))
}

describe('basePath', () => {
  test('the paths below it are the API, and no others', async () => {
    const handler = await handlerOf({ basePath: '/licensing' })
    for (const path of ['/licensing/api/health', '/licensing/api/v1/apps/desktop-app/public-key'])
      assert.equal((await handler(new Request(`http://localhost${path}`))).status, 200, path)
    for (const path of [
      '/api/health',
      '/licensing',
      '/licensing/',
      '/licensingx/api/health',
      '/licensing%2Fapi/health',
      '/licensing/api%2Fhealth',
      '/licensing//api/health',
      '//licensing/api/health',
      '/%6cicensing/api/health',
      '/LICENSING/api/health',
      '/licensing/licensing/api/health',
      '/licensing/api/v1x/apps/desktop-app/public-key',
      '/licensing/api/v1/api/v1/apps/desktop-app/public-key',
      '/licensing/api/v1;/apps/desktop-app/public-key',
      '/licensing/metrics',
      '/x/licensing/api/health',
    ])
      assert.equal(await endAt(handler, path), '404 no_such_route', path)
  })

  test('serves(): true for the paths of the API alone', async () => {
    const handler = await handlerOf({ basePath: '/licensing' })
    const serves = (path: string): boolean => handler.serves(new Request(`http://localhost${path}`))
    for (const path of [
      '/api/v1',
      '/api/v1/',
      '/api/v1/nothing',
      '/api/v1//x',
      '/api/health',
      '/swagger/',
      '/swagger/json',
    ])
      assert.equal(serves(`/licensing${path}`), true, path)
    for (const path of ['', '/', '/api', '/api/', '/api/v1x', '/api/v2', '/metrics', '/swagger/x', '/shop'])
      assert.equal(serves(`/licensing${path}`), false, path)
    assert.equal(serves('/api/v1/apps'), false)
    const standalone = await handlerOf({ standalone: true })
    assert.equal(standalone.serves(new Request('http://localhost/shop')), true)
  })

  test('a slash or /api/v1 at its end makes no difference', async () => {
    for (const basePath of ['/licensing', '/licensing/', '/licensing/api/v1', '/licensing/api/v1/'])
      assert.equal(await endAt(await handlerOf({ basePath }), '/licensing/api/health'), '200', basePath)
    for (const basePath of ['', '/', '/api/v1'])
      assert.equal(await endAt(await handlerOf({ basePath }), '/api/health'), '200', basePath)
    assert.equal(
      await endAt(await handlerOf({ basePath: '/a-b/c.d/~e_1' }), '/a-b/c.d/~e_1/api/health'),
      '200',
    )
  })

  test('a path that no request can begin with: a TypeError that names the option', async () => {
    const { licensing } = await newShop()
    for (const basePath of [
      'licensing',
      '//licensing',
      '/a//b',
      '/a/../b',
      '/.',
      '/a?b',
      '/a#b',
      '/a%20b',
      '/a b',
      '/ä',
      '/:a',
      '/*',
      1,
      null,
      {},
    ])
      assert.throws(
        () => createHandler(licensing, { basePath: basePath as never }),
        /^TypeError: basePath must be /,
      )
    assert.throws(
      () => createHandler(licensing, { base: '/a' } as never),
      /^TypeError: base is not a known option$/,
    )
    assert.throws(() => createHandler(licensing, null as never), /^TypeError: The options must be an object$/)
    assert.throws(() => createHandler(Promise.resolve(licensing) as never), /^TypeError: licensing must be /)
  })

  test('two handlers in one host: each has its own data', async () => {
    const [first, second] = [await serve(await newShop()), await serve(await newShop({}, 'other-app'))]
    const app = express()
      .use('/one', toNodeHandler(createHandler(first.licensing)))
      .use('/two', toNodeHandler(createHandler(second.licensing)))
    const { port, close } = await listen(app)
    const ask = async (path: string, key: string): Promise<string> =>
      endOf(
        await read(
          await fetch(requestTo(`http://127.0.0.1:${port}${path}`, 'GET', '/apps/desktop-app', { key })),
        ),
      )
    assert.equal(await ask('/one', first.keys.sk), '200')
    assert.equal(await ask('/two', second.keys.sk), '404 not_found')
    assert.equal(await ask('/two', first.keys.sk), '401 unauthorized')
    assert.equal(await ask('/one', second.keys.sk), '401 unauthorized')
    close()
  })
})

async function listen(app: express.Express): Promise<{ readonly port: number; close(): void }> {
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const close = (): void => {
    server.closeAllConnections()
    server.close()
  }
  return { port, close }
}

const spellings = [
  '/api/./health',
  '/api/x/../health',
  '/api/x/%2e%2e/health',
  '/api\\health',
  '/api/v1/../health',
  '/api//health',
  '/%61pi/health',
  '/api/health#x',
  '/api/health/',
]

describe('a path in another spelling, as it was sent to a port', () => {
  for (const name of [
    'Express',
    'Express, below a prefix and after express.json()',
    'Fastify',
    'Fastify, in a route without body parsers',
    'node:http',
  ])
    test(`${name}: not the API`, () =>
      whileHosted(hosts[name]!, async ({ baseUrl }) => {
        const { port, pathname } = new URL(baseUrl)
        const base = pathname.replace(/\/$/, '')
        const ask = (path: string, host = 'localhost'): Promise<string> =>
          exchange(Number(port), rawRequest(`GET ${path}`).replace('localhost', host))
        const healthy = /"storage":"ok"/
        assert.match(await ask(`${base}/api/health`), healthy)
        for (const path of spellings) assert.doesNotMatch(await ask(`${base}${path}`), healthy, path)
        for (const host of ['a/api/health?', 'a?', 'a#', 'a\\b']) {
          const response = await ask(`${base}/api/v1/apps`, host)
          assert.match(response, /^HTTP\/1\.1 400 /, host)
          assert.doesNotMatch(response, healthy, host)
        }
      }))
})

describe('a body that the host has read', () => {
  const body = JSON.stringify({ email: 'eve@example.com' })
  const path = '/apps/desktop-app/customers'
  const reason = /^The host app read the body of this request before Heartwood did: /

  test('a Request whose body is used or locked: 500 that names the cause', async () => {
    const { licensing, keys } = await serve(await newShop())
    const handler = createHandler(licensing)
    const logged: LogRecord[] = []
    const loggers: LoggerConfig<'keep', string>[] = [
      { category: ['heartwood', 'http'], sinks: ['keep'], lowestLevel: 'error' },
      { category: ['logtape', 'meta'], lowestLevel: 'error' },
    ]
    await configure({ reset: true, sinks: { keep: (record) => void logged.push(record) }, loggers })
    for (const spoil of [
      (request: Request) => request.text(),
      (request: Request) => request.body!.getReader(),
    ]) {
      const request = requestTo('http://localhost', 'POST', path, { key: keys.sk, body })
      await spoil(request)
      const response = await read(await handler(request))
      assert.equal(endOf(response), '500 internal_error')
      assert.match(response.error().message, reason)
    }
    await reset()
    assert.deepEqual(
      logged.map(({ properties }) => reason.test((properties['error'] as Error).message)),
      [true, true],
    )
    assert.equal((await licensing.customers.list('desktop-app')).data.length, 1)
  })

  const json = { 'content-type': 'application/json' }
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const parsers: Readonly<Record<string, readonly [RequestHandler, headers: object, ends: string]>> = {
    'express.json()': [express.json(), json, '201'],
    'express.raw()': [express.raw({ type: () => true }), json, '201'],
    'express.text()': [express.text({ type: () => true }), json, '201'],
    'express.text() of a form type': [express.text({ type: () => true }), form, '201'],
    'express.urlencoded()': [express.urlencoded(), form, '500 internal_error'],
    'express.json() of a form type': [express.json(), form, '201'],
    'a parser that keeps nothing': [
      (req, _res, next) => void req.resume().once('end', next),
      json,
      '500 internal_error',
    ],
    'a parser that keeps a BigInt': [
      (req, _res, next) => void req.resume().once('end', () => next(void (req.body = { email: 1n }))),
      json,
      '500 internal_error',
    ],
  }
  for (const [name, [parser, headers, ends]] of Object.entries(parsers))
    test(`${name}: ${ends}`, async () => {
      const { licensing, keys } = await serve(await newShop())
      const { port, close } = await listen(
        express()
          .use(parser)
          .use(toNodeHandler(createHandler(licensing))),
      )
      const request = requestTo(`http://127.0.0.1:${port}`, 'POST', path, {
        key: keys.sk,
        body,
        headers: { ...headers },
      })
      const response = await read(await fetch(request))
      assert.equal(endOf(response), ends)
      if (ends !== '201') assert.match(response.error().message, reason)
      const plain = await fetch(requestTo(`http://127.0.0.1:${port}`, 'GET', path, { key: keys.sk }))
      assert.equal(plain.status, 200)
      close()
    })

  test('a parser that read a request without a body: the body is empty', async () => {
    const { licensing, keys } = await serve(await newShop())
    const drain: RequestHandler = (req, _res, next) => void req.resume().once('end', next)
    const { port, close } = await listen(express().use(drain, toNodeHandler(createHandler(licensing))))
    const request = requestTo(`http://127.0.0.1:${port}`, 'POST', '/apps/desktop-app/rotate-keys', {
      key: keys.sk,
    })
    assert.equal(endOf(await read(await fetch(request))), '200')
    close()
  })

  test('the parsers of Fastify: 500 that names the cause', async () => {
    const { licensing, keys } = await serve(await newShop())
    const handler = toNodeHandler(createHandler(licensing))
    const app = Fastify()
    app.all('/api/*', (request, reply) => {
      reply.hijack()
      return handler(request.raw, reply.raw)
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as { port: number }
    const request = requestTo(`http://127.0.0.1:${port}`, 'POST', path, { key: keys.sk, body })
    const response = await read(await fetch(request))
    assert.equal(endOf(response), '500 internal_error')
    assert.match(response.error().message, reason)
    app.server.closeAllConnections()
    await app.close()
  })
})

test('a client that leaves in the middle of its body: the next request has its response', async () => {
  for (const name of ['Express', 'Fastify', 'node:http'])
    await whileHosted(hosts[name]!, async ({ baseUrl }) => {
      const { port, pathname } = new URL(baseUrl)
      const head = rawRequest(`POST ${pathname.replace(/\/$/, '')}/api/v1/apps/desktop-app/licenses/verify`, [
        'Content-Type: application/json',
        'Content-Length: 100',
      ])
      for (const text of [head, `${head}{"token":`]) {
        const socket = connect(Number(port), '127.0.0.1', () => socket.write(text))
        socket.on('error', () => {})
        await setTimeout(50)
        socket.destroy()
      }
      await setTimeout(50)
      assert.equal((await fetch(`${baseUrl}/api/health`)).status, 200, name)
    })
})

describe('the address that the host tells', () => {
  const path = `/apps/desktop-app/licenses/verify?installation_id=${installation(1)}`
  const ask = async (handler: Handler, info?: unknown): Promise<string> =>
    endOf(await read(await handler(requestTo('http://localhost', 'GET', path), info as never)))

  test('limits count by it, and by nothing else', async () => {
    const handler = await handlerOf({ rateLimits: { verify: 1 } })
    const ends = []
    for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.2', null, undefined, null])
      ends.push(await ask(handler, { address }))
    const [, missing] = ends
    assert.equal(missing, '429 rate_limited')
    assert.deepEqual(ends.with(1, ''), ['404 not_found', '', ...Array(4).fill('404 not_found')])
  })

  test('no address, or one that is no text: 500 that names the cause, if the host has limits', async () => {
    const handler = await handlerOf({ rateLimits: {} })
    for (const info of [
      undefined,
      {},
      { params: {} },
      { address: { address: '192.0.2.1' } },
      { address: 1 },
    ]) {
      const response = await read(await handler(requestTo('http://localhost', 'GET', path), info as never))
      assert.equal(endOf(response), '500 internal_error')
      assert.match(response.error().message, /^The host app counts requests by address but tells none: /)
    }
    const unlimited = await handlerOf({})
    for (const info of [undefined, {}, { address: null }, 'text', null])
      assert.equal(await ask(unlimited, info), '404 not_found')
  })

  test('clientAddress comes first, as in the plugin', async () => {
    const clientAddress = (): string => '192.0.2.1'
    const handler = await handlerOf({ rateLimits: { verify: 1 }, clientAddress })
    assert.equal(await ask(handler), '404 not_found')
    assert.equal(await ask(handler, { address: '192.0.2.2' }), '429 rate_limited')
  })
})

test('standalone in Express: the API takes every path, and otherwise passes on those of the host', async () => {
  const { licensing } = await newShop()
  for (const [standalone, ends] of [
    [false, 'shop'],
    [true, '404 no_such_route'],
  ] as const) {
    const app = express()
      .use(toNodeHandler(createHandler(licensing, { standalone })))
      .use((_request, response) => void response.send('shop'))
    const { port, close } = await listen(app)
    const response = await read(await fetch(`http://127.0.0.1:${port}/api/v1x`))
    assert.equal(response.text === 'shop' ? 'shop' : endOf(response), ends)
    close()
  }
})

test('toNodeHandler(): takes any function of Request, and hands its error to the host', async () => {
  const app = express()
    .use(
      '/ok',
      toNodeHandler(async () => new Response('ok')),
    )
    .use(
      '/error',
      toNodeHandler(() => Promise.reject(new Error('mine'))),
    )
    .use(
      ((error: Error, _request, response, _next) =>
        void response.send(error.message)) as express.ErrorRequestHandler,
    )
  const { port, close } = await listen(app)
  const text = async (path: string): Promise<string> =>
    (await fetch(`http://127.0.0.1:${port}${path}`)).text()
  assert.deepEqual([await text('/ok'), await text('/error')], ['ok', 'mine'])
  close()
})
