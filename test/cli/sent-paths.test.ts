import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { emptyFolder, heartwood, startServer, type Way } from './heartwood.ts'

const runtimes: readonly Way[] = ['Bun', 'Deno', 'Node']

/** Sends bytes, because `fetch` would change the path. Resolves to the status, the error code and the rest of the response. */
async function send(
  url: string,
  ...lines: readonly string[]
): Promise<readonly [result: string, text: string]> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  let text = ''
  socket.on('data', (chunk) => (text += String(chunk)))
  socket.write([...lines, 'Connection: close', '', ''].join('\r\n'))
  await once(socket, 'close')
  const [, code = ''] = /"code":"(\w+)"/.exec(text) ?? []
  return [`${text.slice(9, 12)} ${code}`.trim(), text]
}

const host = 'Host: licenses.example'

const right = {
  '/metrics': '200',
  '/metrics?a=/../b\\c': '200',
  'http://licenses.example/metrics': '200',
  '/api/health': '200',
  '/swagger': '200',
  '/swagger/': '308',
  '/api/v1/apps/no-app/public-key': '404 not_found',
  '/api/v1/apps/a%20b/public-key': '404 not_found',
  '/api/v1/apps/%2F/public-key': '404 not_found',
}

const deep = '/x'.repeat(13) + '/..'.repeat(13)

const wrong = [
  '/api/../metrics',
  '/api/..\\metrics',
  '/api\\..\\metrics',
  '/api/x\\..\\..\\metrics',
  '/api/%2e%2e/metrics',
  '/api/.%2E/metrics',
  '/api/%2e%2e\\metrics',
  '/./metrics',
  '/x/%2e/../metrics',
  '//metrics',
  '/metrics/',
  '/metrics/.',
  '/metrics/x/..',
  '/metrics\\',
  '/metrics#x',
  '/%6detrics',
  '/%6Detrics',
  '/METRICS',
  '/metrics;x',
  '/metrics%2f',
  `${deep}/metrics`,
  `${deep}/`,
  `${deep}/swagger/`,
  `${deep}/api/v1/apps`,
  'http://licenses.example/api/../metrics',
  'http://licenses.example/api/..\\metrics',
  '/api/../api/health',
  '/api//health',
  '/api/x/..\\health',
  '/x/../swagger/',
  '/swagger/../swagger',
  '/%73wagger',
  '/api/v1/../v1/apps',
  '/api/v1//apps',
  '/api/v1/apps/',
  '/api/v1/apps/x/..',
  '/api/v1/apps/x/../y/public-key',
  '/api/v1/apps/x\\..\\y/public-key',
  '/api/v1/apps/%6eo-app/public-key',
  '/api/v1/apps/no%2Dapp/public-key',
  '/api/v1/apps/no-app/%70ublic-key',
]

const badHosts = [
  'licenses.example/metrics?',
  'a/b',
  'a?b',
  'a#b',
  'a\\b',
  'a b',
  '/metrics',
  'user@a/metrics?',
]

for (const way of runtimes)
  test(`heartwood serve on ${way}: a path counts only in its canonical spelling, and Host never`, async (t) => {
    const env = { HEARTWOOD_METRICS: 'on', HEARTWOOD_LOG: 'json' }
    const server = await startServer(t, { cwd: emptyFolder(t), way, env })
    const { url } = server
    for (const [path, wanted] of Object.entries(right))
      assert.equal((await send(url, `GET ${path} HTTP/1.1`, host))[0], wanted, path)
    for (const path of wrong) {
      const [result, text] = await send(url, `GET ${path} HTTP/1.1`, host)
      assert.equal(result, '404 no_such_route', path)
      assert.doesNotMatch(text, /heartwood_http|openapi/, path)
    }
    for (const bad of badHosts)
      for (const path of ['/api/health', '/api/v1/apps/no-app/public-key'])
        assert.equal(
          (await send(url, `GET ${path} HTTP/1.1`, `Host: ${bad}`))[0],
          '400 invalid_request',
          `${bad} ${path}`,
        )
    for (const good of ['Host:', 'Host: a', 'Host: localhost:99999', 'Host: LICENSES.example']) {
      assert.equal((await send(url, 'GET /api/health HTTP/1.1', good))[0], '200', good)
      const path = '/api/v1/apps/no-app/public-key'
      assert.equal((await send(url, `GET ${path} HTTP/1.1`, good))[0], '404 not_found', good)
      const [result] = await send(url, 'GET /api/..\\metrics HTTP/1.1', good)
      assert.equal(result, '404 no_such_route', good)
    }
  })

const secretKey = `sk_live_${'aB3'.repeat(12)}`
const token = `eyJhbGciOiJSUzI1NiJ9.${'aB3'.repeat(30)}.${'dE4'.repeat(30)}`

/** Paths that are none of ours, and how the log shows them. */
const shown = {
  '/wp-login.php': '/wp-login.php',
  '/.well-known/security.txt': '/.well-known/security.txt',
  '/api/v1/apps/desktop-app/licence': '/api/v1/apps/desktop-app/licence',
  '/api/v2/apps?key=secret': '/api/v2/apps',
  '/api/..\\metrics': '/api/..\\metrics',
  '/x/%0d%0aGET%20/faked%1b[2J': '/x/%0d%0aGET%20/faked%1b[2J',
  '/x/%E2%80%AEgpj': '/x/%E2%80%AEgpj',
  '/x/%7Bmethod%7D/%22a%22': '/x/%7Bmethod%7D/%22a%22',
  [`/v1/${secretKey}`]: '/v1/…',
  [`/v1/${secretKey}/more`]: '/v1/…',
  [`/v1/${secretKey.replace('_', '%5f')}`]: '/v1/…',
  [`/v1/${secretKey.replace('_', '%255F').replace('k', '%6b')}%zz`]: '/v1/…',
  [`/v1/${secretKey.replace('_', '%25252525255F')}`]: '/v1/…',
  [`/v1/x\\${secretKey}`]: '/v1/x\\…',
  '/v1/sk_live_short': '/v1/…',
  '/v1/PK_TEST_short': '/v1/…',
  [`/renew/${token}`]: '/renew/…',
  [`/renew/${token.replaceAll('.', '%2e')}`]: '/renew/…',
  '/keys/7K3QM-8Z2VT-PX9CW-41HRD-YB6NE/x': '/keys/…',
  '/keys/kmqrs-zvtwx-pxcwh-hrdmn-ybnes': '/keys/…',
  '/keys/kmqrszvtwxpxcwhhrdmnybnes': '/keys/…',
  '/keys/kmqrs%20zvtwx%20pxcwh%20hrdmn%20ybnes': '/keys/…',
  '/machines/7f2c1e0a-5b7d-4c0e-9a53-0d6f3f1b2c4d': '/machines/…',
  '/licenses/lic_01m8m306t3fk4s8qysdx0h2cmf': '/licenses/…',
  '/customers/ada@example.com': '/customers/…',
  '/customers/ada%40example.com': '/customers/…',
  [`/hooks/whsec_${'aB3/'.repeat(9)}`]: '/hooks/…',
  [`/${'long/'.repeat(2000)}`]: `/${'long/'.repeat(40).slice(0, 199)}…`,
}

for (const way of runtimes)
  test(`heartwood serve on ${way}: the log shows the path that was asked for, but no secret of it`, async (t) => {
    const server = await startServer(t, { cwd: emptyFolder(t), way, env: { HEARTWOOD_LOG: 'json' } })
    for (const path of Object.keys(shown))
      assert.equal((await send(server.url, `GET ${path} HTTP/1.1`, host))[0], '404 no_such_route', path)
    const { stderr } = await server.stop()
    const lines = stderr.split('\n').filter(Boolean)
    const paths = lines.map((line) => (JSON.parse(line) as { path: string }).path)
    const decode = (text: string): string => text.replace(/%\w\w/g, (code) => code.toUpperCase())
    assert.deepEqual(paths.map(decode), Object.values(shown).map(decode))
    assert.doesNotMatch(stderr, /aB3|dE4|secret|example|short/)
  })

/** Takes a free port. Resolves to its number and to a function that gives it back. */
async function takePort(): Promise<readonly [port: string, release: () => Promise<unknown>]> {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  return [String(port), () => once(taken.close(), 'close')]
}

for (const way of runtimes)
  test(`heartwood serve on ${way}: HEARTWOOD_METRICS_PORT serves the metrics, and the port of the API does not`, async (t) => {
    const [port, release] = await takePort()
    await release()
    const env = { HEARTWOOD_METRICS: 'on', HEARTWOOD_METRICS_PORT: port, HEARTWOOD_LOG: 'off' }
    const { url, stop } = await startServer(t, { cwd: emptyFolder(t), way, env })
    const metrics = `http://127.0.0.1:${port}`
    assert.equal((await send(url, 'GET /metrics HTTP/1.1', host))[0], '404 no_such_route')
    const [result, text] = await send(metrics, 'GET /metrics HTTP/1.1', host)
    assert.equal(result, '200')
    assert.match(text, /heartwood_http_requests_total\{method="GET",route="\*",status="404"\} 1\n/)
    for (const path of ['/', '/api/health', '/api/v1/apps', '/swagger', '/x\\..\\metrics'])
      assert.equal((await send(metrics, `GET ${path} HTTP/1.1`, host))[0], '404 no_such_route', path)
    const { code, stdout } = await stop()
    assert.equal(code, 0)
    assert.ok(stdout.includes(`\nMetrics are at ${metrics}/metrics\n`))
    await assert.rejects(fetch(`${metrics}/metrics`))
  })

test('heartwood serve: a taken HEARTWOOD_METRICS_PORT is an error of one line', async (t) => {
  const [port, release] = await takePort()
  const env = { HEARTWOOD_METRICS: 'on', HEARTWOOD_METRICS_PORT: port }
  const { code, stdout, stderr } = await heartwood(['serve', '--port', '0'], { cwd: emptyFolder(t), env })
  await release()
  assert.equal(code, 1)
  assert.doesNotMatch(stdout, /listens|Metrics|sk_/)
  assert.match(
    stderr,
    /^heartwood: Cannot listen on 127\.0\.0\.1 port \d+: [^\n]+ with HEARTWOOD_METRICS_PORT\n$/,
  )
})
