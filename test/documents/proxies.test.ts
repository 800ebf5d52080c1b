import assert from 'node:assert/strict'
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { after, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { emptyFolder, sameRuntime, startServer, whenAllIsOver, type RunningServer } from '../cli/heartwood.ts'
import { findProgram, leaveOut } from '../support/left-out.ts'
import { blocksOf } from './markdown.ts'

const page = 'docs/deploy.md'
const host = 'licenses.example.com'
const run = promisify(execFile)

const configurations = (language: string): readonly string[] =>
  blocksOf(page)
    .filter((block) => block.language === language)
    .map(({ code }) => code)

const [nginxServer = '', nginxUpstream = ''] = configurations('nginx')
const [caddySite = ''] = configurations('caddy')

/** The places of a test, in which the certificate is for the name of the page. */
interface Places {
  readonly folder: string
  readonly port: number
  readonly server: string
}

/** The page's nginx configuration. Ports, certificate and servers are those of the test, and all else stands as it is. */
function nginxFile({ folder, port, server }: Places): string {
  const site = nginxServer
    .replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`)
    .replaceAll(/\/etc\/letsencrypt\/live\/[^;]*\/(\w+)\.pem/g, `${folder}/$1.pem`)
    .replace('http://127.0.0.1:4000', 'http://heartwood')
  const upstream = nginxUpstream
    .replace('10.0.0.11:4000', server)
    .replace('10.0.0.12:4000', '127.0.0.1:9 backup')
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const temporary = places.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')
  return `daemon off;\npid ${folder}/nginx.pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n${temporary}\n${upstream}${site}}\n`
}

/** The page's Caddyfile, in the same way. */
function caddyFile({ folder, port, server }: Places): string {
  const site = caddySite
    .replace(
      `${host} {`,
      `https://${host}:${port} {\n  bind 127.0.0.1\n  tls ${folder}/fullchain.pem ${folder}/privkey.pem`,
    )
    .replace('127.0.0.1:4000', server)
  return `{\n  admin off\n  auto_https disable_redirects\n}\n${site}`
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  listener.close()
  await once(listener, 'close')
  return port
}

async function makeCertificate(folder: string): Promise<void> {
  const files = ['-keyout', `${folder}/privkey.pem`, '-out', `${folder}/fullchain.pem`]
  const subject = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`]
  await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...files, ...subject])
}

/** The response that a client receives. */
interface Received {
  readonly status: number
  readonly body: string
}

/** Sends a request through the proxy by its name, from an address of this machine. */
async function ask(
  { folder, port }: Places,
  path: string,
  { from = '127.0.0.1', forwarded }: { readonly from?: string; readonly forwarded?: string } = {},
): Promise<Received> {
  const headers = forwarded === undefined ? [] : ['-H', `X-Forwarded-For: ${forwarded}`]
  const route = [
    '--cacert',
    `${folder}/fullchain.pem`,
    '--resolve',
    `${host}:${port}:127.0.0.1`,
    '--interface',
    from,
  ]
  const { stdout } = await run('curl', [
    '-sS',
    '--path-as-is',
    '-w',
    '\\n%{http_code}',
    ...route,
    ...headers,
    `https://${host}:${port}${path}`,
  ])
  const end = stdout.lastIndexOf('\n')
  return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end) }
}

async function untilUp(places: Places, proxy: ChildProcess, output: () => string): Promise<void> {
  for (let tries = 0; tries < 300 && proxy.exitCode === null; tries += 1) {
    const isUp = await ask(places, '/api/health').then(
      ({ status }) => status === 200,
      () => false,
    )
    if (isUp) return
    await setTimeout(50)
  }
  throw new Error(`The proxy does not respond\n${output()}`)
}

/** Each proxy: its configuration, its command, and the argument by which it tells its version. */
const proxies = {
  nginx: { file: nginxFile, args: ['-e', 'stderr', '-c'], version: '-v' },
  caddy: { file: caddyFile, args: ['run', '--adapter', 'caddyfile', '--config'], version: 'version' },
} as const

const verify = '/api/v1/apps/desktop-app/licenses/verify?installation_id=7f2c1e0a-5b7d-4c0e-9a53-0d6f3f1b2c4d'

for (const [name, { file, args, version }] of Object.entries(proxies)) {
  const programs = [
    findProgram([name], [version]),
    findProgram(['curl']),
    findProgram(['openssl'], ['version']),
  ]
  const skip = programs.includes(undefined)
    ? leaveOut(`${name} before a server, as docs/deploy.md has it`, `no ${name}, curl or openssl on the PATH`)
    : false

  describe(`docs/deploy.md: ${name} before heartwood serve`, { skip }, () => {
    const over = whenAllIsOver(after)
    let server: RunningServer
    let places: Places

    before(async () => {
      const folder = emptyFolder(over)
      const env = {
        HEARTWOOD_TRUSTED_PROXIES: '127.0.0.1',
        HEARTWOOD_PUBLIC_URL: `https://${host}`,
        HEARTWOOD_METRICS: 'on',
        HEARTWOOD_RATE_LIMITS: '{"verify": 2}',
      }
      server = await startServer(over, { cwd: folder, env, way: sameRuntime })
      places = { folder, port: await freePort(), server: new URL(server.url).host }
      await makeCertificate(folder)
      const config = join(folder, `${name}.conf`)
      writeFileSync(config, file(places))
      const proxy = spawn(name, [...args, config], { env: { ...process.env, HOME: folder }, stdio: 'pipe' })
      let output = ''
      for (const stream of [proxy.stdout, proxy.stderr]) stream.on('data', (text) => (output += String(text)))
      // A killed nginx would leave its workers behind.
      over.after(() => proxy.kill('SIGTERM'))
      await untilUp(places, proxy, () => output)
    })

    test('the API comes through TLS, and links begin with the public address', async () => {
      const { body } = await ask(places, '/swagger/json')
      const { servers } = JSON.parse(body) as { readonly servers: readonly { readonly url: string }[] }
      assert.equal(servers[0]?.url, `https://${host}`)
    })

    test('the metrics stay inside', async () => {
      assert.equal((await fetch(`${server.url}/metrics`)).status, 200)
      assert.equal((await ask(places, '/metrics')).status, 404)
    })

    test('a false X-Forwarded-For gains nobody a request, and another address has its own limit', async () => {
      const statuses: number[] = []
      for (const forwarded of ['192.0.2.1', '192.0.2.2', '192.0.2.3'])
        statuses.push((await ask(places, verify, { from: '127.0.0.2', forwarded })).status)
      assert.deepEqual(statuses, [404, 404, 429])
      assert.equal((await ask(places, verify, { from: '127.0.0.3' })).status, 404)
    })

    test('the metrics stay inside under every other spelling of their path', async () => {
      for (const path of ['/x/%2e%2e/metrics', '/x/../metrics', '//metrics', '/%6detrics', '/metrics/'])
        assert.equal((await ask(places, path)).status, 404, path)
    })
  })
}
