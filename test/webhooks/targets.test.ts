import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import ipaddr from 'ipaddr.js'
import { connect } from '../../src/webhooks/connect.ts'
import { isPublic } from '../../src/webhooks/ip-address.ts'
import { startDelivery, type DeliveryOptions, type IpAddress } from '../../src/webhooks/index.ts'
import { codeOf, newShop, type Shop } from '../support/fixtures.ts'
import { readVectors } from '../support/vectors.ts'
import { eventually, receiver, recorder, somewhere } from './receivers.ts'

interface Targets {
  readonly not_global: readonly { readonly range: string }[]
  readonly urls_that_must_be_refused_or_never_connected: readonly string[]
}

const targets = readVectors('own/ssrf-targets.json') as Targets
const urls = targets.urls_that_must_be_refused_or_never_connected

/** Puts a URL into the storage without a check, sends one event to it, and resolves to the error. */
async function sendTo(url: string, options: DeliveryOptions, shop?: Shop): Promise<string | null> {
  const { licensing, storage, app } = shop ?? (await newShop({ now: Date.now }))
  await storage.updateApp(app.id, { webhookUrl: url })
  await licensing.webhooks.test(app.slug)
  const delivery = startDelivery(licensing, { pauses: [], ...options })
  const newest = async () => (await licensing.webhooks.deliveries(app.slug)).data[0]!
  await eventually(async () => (await newest()).state !== 'pending')
  await delivery.stop()
  return (await newest()).lastError
}

/** The first and the last address of a range, and one in the middle. */
function addressesOf(range: string): string[] {
  const [base, length] = ipaddr.parseCIDR(range)
  const bytes = base.toByteArray()
  const filled = (fill: number): string =>
    ipaddr
      .fromByteArray(
        bytes.map((byte, at) => {
          const free = Math.min(Math.max((at + 1) * 8 - length, 0), 8)
          return byte | (fill & ((1 << free) - 1))
        }),
      )
      .toString()
  return [filled(0), filled(0xff), filled(0x7f)]
}

/** A NAT64 address is judged by the IPv4 address in it, so this sample contains private IPv4 addresses. */
function privateAddressesOf(range: string): string[] {
  if (range !== '64:ff9b::/96') return addressesOf(range)
  return ['64:ff9b::7f00:1', '64:ff9b::a00:1', '64:ff9b::a9fe:a9fe', '64:ff9b::']
}

const privateAddresses = targets.not_global.flatMap(({ range }) => privateAddressesOf(range))

test(`apps.update(): refuses ${urls.length} unsafe webhook URLs`, async () => {
  const { licensing, app } = await newShop()
  for (const webhookUrl of urls)
    for (const url of [webhookUrl, webhookUrl.replace(/^http:/, 'https:')]) {
      assert.equal(
        await codeOf(licensing.apps.update(app.slug, { webhookUrl: url })),
        'validation_error',
        url,
      )
    }
  const good = ['https://example.com/hook', 'https://example.com:8443/a?b=c', 'https://bücher.example/']
  for (const webhookUrl of good)
    assert.equal((await licensing.apps.update(app.slug, { webhookUrl })).webhookUrl, webhookUrl)
  const long = `https://example.com/${'a'.repeat(2_048)}`
  assert.equal(await codeOf(licensing.apps.update(app.slug, { webhookUrl: long })), 'validation_error')
})

test('startDelivery(): connects to no unsafe URL, even if the storage holds one', async () => {
  const { sent, connect } = recorder()
  const loopback = async (): Promise<IpAddress[]> => [{ address: '127.0.0.1', family: 4 }]
  const shop = await newShop({ now: Date.now })
  for (const url of urls) {
    const why = await sendTo(url, { connect, resolve: loopback }, shop)
    assert.notEqual(why, null, url)
    // Each event is given up, and ten in a row would switch the webhook off.
    await shop.licensing.apps.update(shop.app.slug, { webhookUrl: 'https://example.com/' })
  }
  assert.deepEqual(sent, [])
})

test(`startDelivery(): connects to no name that leads to one of ${privateAddresses.length} private addresses`, async () => {
  const { sent, connect } = recorder()
  for (const address of privateAddresses) assert.equal(isPublic(address), false, address)
  const shop = await newShop({ now: Date.now })
  for (const address of privateAddresses.filter((_, at) => at % 6 === 0)) {
    const family = address.includes(':') ? 6 : 4
    const resolve = async (): Promise<IpAddress[]> => [...(await somewhere()), { address, family }]
    const why = await sendTo('https://example.com/', { connect, resolve }, shop)
    assert.equal(why, 'The address is not public', address)
    await shop.licensing.apps.update(shop.app.slug, { webhookUrl: 'https://example.com/' })
  }
  assert.deepEqual(sent, [])
})

test('isPublic(): true for public addresses, false for IPv6 outside 2000::/3', () => {
  for (const address of ['93.184.215.14', '1.1.1.1', '2606:4700:4700::1111', '64:ff9b::101:101'])
    assert.equal(isPublic(address), true, address)
  for (const address of ['::7f00:1', '::1.1.1.1', '4000::1', '1::', 'example.com', '', '1.1.1'])
    assert.equal(isPublic(address), false, address)
})

test('startDelivery(): resolves a name once and connects to the address that it checked', async () => {
  const { sent, connect } = recorder()
  let lookups = 0
  const rebinding = async (): Promise<IpAddress[]> =>
    ++lookups === 1 ? somewhere() : [{ address: '127.0.0.1', family: 4 }]
  assert.equal(await sendTo('https://example.com/hook', { connect, resolve: rebinding }), null)
  assert.equal(lookups, 1)
  assert.deepEqual(
    sent.map(({ address, url }) => [address.address, url.href]),
    [['93.184.215.14', 'https://example.com/hook']],
  )
})

test('connect(): connects to the given address for every name', async () => {
  const hosts: (string | undefined)[] = []
  const { port, close } = await receiver((request, response) => {
    hosts.push(request.headers.host)
    response.writeHead(204).end()
  })
  const resolve = async (): Promise<IpAddress[]> => [{ address: '127.0.0.1', family: 4 }]
  const options = { resolve, allowPrivateTargets: true }
  assert.equal(await sendTo(`http://nowhere.invalid:${port}/`, options), null)
  assert.equal(await sendTo(`http://127.0.0.1:${port}/`, options), null)
  await close()
  assert.deepEqual(hosts, [`nowhere.invalid:${port}`, `127.0.0.1:${port}`])
})

/** Addresses of this machine. Only the last has a receiver. */
const local = ['127.0.0.2', '127.0.0.3', '127.0.0.1'].map((address) => ({ address, family: 4 }) as const)

test('startDelivery(): tries every address of a name until one accepts the connection', async () => {
  const hosts: (string | undefined)[] = []
  const { port, close } = await receiver((request, response) => {
    hosts.push(request.headers.host)
    response.writeHead(204).end()
  })
  const options = { resolve: async () => local, allowPrivateTargets: true }
  assert.equal(await sendTo(`http://nowhere.invalid:${port}/`, options), null)
  await close()
  assert.deepEqual(hosts, [`nowhere.invalid:${port}`])
  assert.match((await sendTo(`http://nowhere.invalid:${port}/`, options)) ?? 'taken', /^No connection/)
})

test('startDelivery(): a receiver that accepts the connection and fails gets the event once', async () => {
  const paths: (string | undefined)[] = []
  const { port, close } = await receiver((request, response) => {
    paths.push(request.url)
    response.destroy()
  })
  const options = { resolve: async () => local.toReversed(), allowPrivateTargets: true }
  assert.match((await sendTo(`http://nowhere.invalid:${port}/`, options)) ?? 'taken', /^No connection/)
  await close()
  assert.deepEqual(paths, ['/'])
})

test('startDelivery(): leaves no abort listener behind, whatever the receiver does', async () => {
  const { port, close } = await receiver((request, response) => {
    if (request.url === '/cut') response.destroy()
    else if (request.url !== '/silent') response.writeHead(request.url === '/fails' ? 500 : 204).end()
  })
  let listeners = 0
  const counting: DeliveryOptions['connect'] = (request) => {
    const { signal } = request
    const counted = new Proxy(signal, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name)
        if (name === 'addEventListener') listeners++
        if (name === 'removeEventListener') listeners--
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    return connect({ ...request, signal: counted })
  }
  const options = { connect: counting, resolve: async () => local, allowPrivateTargets: true }
  for (const path of ['', 'fails', 'cut', 'silent']) {
    await sendTo(`http://nowhere.invalid:${port}/${path}`, {
      ...options,
      deadlineMs: path === 'silent' ? 300 : 15_000,
    })
    await eventually(() => listeners === 0)
  }
  await close()
  await sendTo(`http://nowhere.invalid:${port}/`, options)
  await eventually(() => listeners === 0)
})

test('startDelivery(): a redirect is a failure and is not followed', async () => {
  const paths: (string | undefined)[] = []
  const { url, close } = await receiver((request, response) => {
    paths.push(request.url)
    response.writeHead(307, { location: `${url}elsewhere` }).end()
  })
  assert.equal(await sendTo(url, { allowPrivateTargets: true }), 'The receiver answered 307')
  await close()
  assert.deepEqual(paths, ['/'])
})

test('startDelivery(): leaves a receiver that hangs, drips or sends endlessly at the deadline or limit', async () => {
  const { url, close } = await receiver((request, response) => {
    if (request.url === '/silent') return
    response.writeHead(200)
    if (request.url === '/drip') response.write('x')
    if (request.url === '/endless') pour(response)
  })
  let poured = 0
  const pour = (response: ServerResponse): void => {
    poured += 1_000_000
    response.write('x'.repeat(1_000_000), () => response.destroyed || pour(response))
  }
  const options = { allowPrivateTargets: true, deadlineMs: 300 }
  assert.equal(await sendTo(`${url}silent`, options), 'No answer in time')
  assert.equal(await sendTo(`${url}drip`, options), null)
  assert.equal(await sendTo(`${url}endless`, { ...options, deadlineMs: 3_000 }), null)
  assert.ok(poured < 50_000_000, `the receiver could write ${poured} bytes`)
  await close()
})

test('startDelivery(): a protocol change, an invalid response and an empty one are failures', async () => {
  const responses = {
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n': null,
    'nonsense\r\n\r\n': null,
    '': 'No answer in time',
  }
  for (const [response, expected] of Object.entries(responses)) {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => void socket.write(response))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const why = await sendTo(`http://127.0.0.1:${port}/`, { allowPrivateTargets: true, deadlineMs: 1_000 })
    if (expected === null) assert.match(why ?? 'taken', /^No (connection|answer)/, response)
    else assert.equal(why, expected)
    server.close()
  }
})

test('startDelivery(): sends nothing to http, or to a URL with a password, unless private targets are allowed', async () => {
  for (const url of ['http://example.com/', 'https://user:password@example.com/']) {
    const { sent, connect } = recorder()
    const why = await sendTo(url, { connect, resolve: somewhere, allowPrivateTargets: false })
    assert.match(why ?? 'taken', /not https/)
    assert.deepEqual(sent, [])
  }
})

test('startDelivery(): stops waiting for a name server at the deadline', async () => {
  const { sent, connect } = recorder()
  const never = (): Promise<IpAddress[]> => new Promise(() => {})
  const why = await sendTo('https://example.com/', { connect, resolve: never, deadlineMs: 50 })
  assert.deepEqual([why, sent], ['No answer in time', []])
})
