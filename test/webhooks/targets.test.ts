import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import ipaddr from 'ipaddr.js'
import { isPublic } from '../../src/webhooks/address.ts'
import { startDelivery, type Address, type DeliveryOptions } from '../../src/webhooks/index.ts'
import { codeOf, newShop, type Shop } from '../support/fixtures.ts'
import { readVectors } from '../support/vectors.ts'
import { eventually, receiver, recorder, somewhere } from './sent.ts'

interface Targets {
  readonly not_global: readonly { readonly range: string }[]
  readonly urls_that_must_be_refused_or_never_connected: readonly string[]
}

const targets = readVectors('own/ssrf-targets.json') as Targets
const urls = targets.urls_that_must_be_refused_or_never_connected

/** Sends one event to a URL that got into the storage, however it did, and answers what became of it. */
async function tryTo(url: string, options: DeliveryOptions, shop?: Shop): Promise<string | null> {
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

/** NAT64 is judged by what is inside, so its sample is made of what may not be reached. */
function privateAddressesOf(range: string): string[] {
  if (range !== '64:ff9b::/96') return addressesOf(range)
  return ['64:ff9b::7f00:1', '64:ff9b::a00:1', '64:ff9b::a9fe:a9fe', '64:ff9b::']
}

const privateAddresses = targets.not_global.flatMap(({ range }) => privateAddressesOf(range))

test(`${urls.length} odd targets are refused when they are saved`, async () => {
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

test('none of them is connected to, should one have got into the storage', async () => {
  const { sent, connect } = recorder()
  const loopback = async (): Promise<Address[]> => [{ address: '127.0.0.1', family: 4 }]
  const shop = await newShop({ now: Date.now })
  for (const url of urls) {
    const why = await tryTo(url, { connect, resolve: loopback }, shop)
    assert.notEqual(why, null, url)
    // Each is given up, and ten in a row would switch the webhook off.
    await shop.licensing.apps.update(shop.app.slug, { webhookUrl: 'https://example.com/' })
  }
  assert.deepEqual(sent, [])
})

test(`names that lead to ${privateAddresses.length} addresses that are not public are not connected to`, async () => {
  const { sent, connect } = recorder()
  for (const address of privateAddresses) assert.equal(isPublic(address), false, address)
  const shop = await newShop({ now: Date.now })
  for (const address of privateAddresses.filter((_, at) => at % 6 === 0)) {
    const family = address.includes(':') ? 6 : 4
    const resolve = async (): Promise<Address[]> => [...(await somewhere()), { address, family }]
    const why = await tryTo('https://example.com/', { connect, resolve }, shop)
    assert.equal(why, 'The address is not public', address)
    await shop.licensing.apps.update(shop.app.slug, { webhookUrl: 'https://example.com/' })
  }
  assert.deepEqual(sent, [])
})

test('public addresses are connected to, and an IPv6 one outside 2000::/3 is none', () => {
  for (const address of ['93.184.215.14', '1.1.1.1', '2606:4700:4700::1111', '64:ff9b::101:101'])
    assert.equal(isPublic(address), true, address)
  for (const address of ['::7f00:1', '::1.1.1.1', '4000::1', '1::', 'example.com', '', '1.1.1'])
    assert.equal(isPublic(address), false, address)
})

test('a name is resolved once, and the address that was judged is the one connected to', async () => {
  const { sent, connect } = recorder()
  let asked = 0
  const rebinding = async (): Promise<Address[]> =>
    ++asked === 1 ? somewhere() : [{ address: '127.0.0.1', family: 4 }]
  assert.equal(await tryTo('https://example.com/hook', { connect, resolve: rebinding }), null)
  assert.equal(asked, 1)
  assert.deepEqual(
    sent.map(({ address, url }) => [address.address, url.href]),
    [['93.184.215.14', 'https://example.com/hook']],
  )
})

test('the real connector goes to the address it is given, whatever the name', async () => {
  const hosts: (string | undefined)[] = []
  const { port, close } = await receiver((request, response) => {
    hosts.push(request.headers.host)
    response.writeHead(204).end()
  })
  const resolve = async (): Promise<Address[]> => [{ address: '127.0.0.1', family: 4 }]
  const options = { resolve, allowPrivateTargets: true }
  assert.equal(await tryTo(`http://nowhere.invalid:${port}/`, options), null)
  assert.equal(await tryTo(`http://127.0.0.1:${port}/`, options), null)
  await close()
  assert.deepEqual(hosts, [`nowhere.invalid:${port}`, `127.0.0.1:${port}`])
})

test('a redirect is a failure, and is not followed', async () => {
  const asked: (string | undefined)[] = []
  const { url, close } = await receiver((request, response) => {
    asked.push(request.url)
    response.writeHead(307, { location: `${url}elsewhere` }).end()
  })
  assert.equal(await tryTo(url, { allowPrivateTargets: true }), 'The receiver answered 307')
  await close()
  assert.deepEqual(asked, ['/'])
})

test('a receiver that hangs, drips or sends without end is left at the deadline or the limit', async () => {
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
  assert.equal(await tryTo(`${url}silent`, options), 'No answer in time')
  assert.equal(await tryTo(`${url}drip`, options), null)
  assert.equal(await tryTo(`${url}endless`, { ...options, deadlineMs: 3_000 }), null)
  assert.ok(poured < 50_000_000, `${poured} bytes were read or lie between`)
  await close()
})

test('a receiver that changes the protocol, says half or says nothing of sense has not taken the event', async () => {
  const answers = {
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n': null,
    'nonsense\r\n\r\n': null,
    '': 'No answer in time',
  }
  for (const [answer, expected] of Object.entries(answers)) {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => void socket.write(answer))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const why = await tryTo(`http://127.0.0.1:${port}/`, { allowPrivateTargets: true, deadlineMs: 1_000 })
    if (expected === null) assert.match(why ?? 'taken', /^No (connection|answer)/, answer)
    else assert.equal(why, expected)
    server.close()
  }
})

test('what is no https, or holds a password, is sent nothing where private targets are not allowed', async () => {
  for (const url of ['http://example.com/', 'https://user:password@example.com/']) {
    const { sent, connect } = recorder()
    const why = await tryTo(url, { connect, resolve: somewhere, allowPrivateTargets: false })
    assert.match(why ?? 'taken', /not https/)
    assert.deepEqual(sent, [])
  }
})

test('a name server that never answers is left at the deadline', async () => {
  const { sent, connect } = recorder()
  const never = (): Promise<Address[]> => new Promise(() => {})
  const why = await tryTo('https://example.com/', { connect, resolve: never, deadlineMs: 50 })
  assert.deepEqual([why, sent], ['No answer in time', []])
})
