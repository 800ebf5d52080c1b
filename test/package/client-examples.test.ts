import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { createTestServer, type TestServer } from '../../src/testing/server.ts'
import { lackingPython, python as pythonPath } from '../support/left-out.ts'
import { lackingBrowser, startChromium } from './chromium.ts'
import { emptyFolder, run, runtimes, type Runtime } from './programs.ts'
import { listen, originOf, toRequest } from './web-server.ts'

// The examples contain the public key of the first key pair of every test server.
let server: TestServer
let http: Server

/** Starts a license server with this computer's time, and issues a license with the feature that the examples use. */
async function openServer(
  corsOrigins: readonly string[] = [],
): Promise<{ readonly id: string; readonly token: string }> {
  server = await createTestServer({ features: ['export'], start: Date.now(), corsOrigins })
  return server.issue()
}

before(async () => {
  http = await listen((request, body) => server.handle(toRequest(originOf(http), request, body)))
})

after(() => {
  http.closeAllConnections()
  http.close()
})

interface Ended {
  readonly code: number
  readonly output: string
}

/** Runs a program that may end with any exit code. */
async function runToEnd(command: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  const [program = '', ...args] = command
  try {
    const { stdout } = await promisify(execFile)(program, args, { env: { ...process.env, ...env } })
    return { code: 0, output: stdout.trim() }
  } catch (error) {
    const { code, stdout, stderr } = error as {
      readonly code: number
      readonly stdout: string
      readonly stderr: string
    }
    return { code, output: `${stdout}${stderr}`.trim() }
  }
}

for (const name of ['Bun', 'Deno', 'Node'] satisfies Runtime[])
  test(`examples/remote.ts on ${name}: sells and refunds, a second time too`, async () => {
    await openServer()
    const { secret } = await server.licensing.apiKeys.create({})
    const env = { HEARTWOOD_URL: originOf(http), HEARTWOOD_API_KEY: secret }
    for (const tiers of [2, 2]) {
      const { code, output } = await runToEnd([...runtimes[name], resolve('examples/remote.ts')], env)
      assert.equal(code, 0, output)
      assert.match(
        output,
        /^Issued lic_\w+ until .*\n(lic_\w+ has the tier pro\n)+Refunded: the license is revoked$/,
      )
      assert.equal(output.split(' has the tier ').length - 1, tiers)
    }
  })

for (const name of ['Bun', 'Deno', 'Node'] satisfies Runtime[])
  test(`examples/client-cli.ts on ${name}: activation, outage, revocation`, async () => {
    const { id, token } = await openServer()
    const home = emptyFolder()
    const env = { HOME: home, LICENSE_SERVER: originOf(http) }
    const cli = (...args: string[]): Promise<Ended> =>
      runToEnd([...runtimes[name], resolve('examples/client-cli.ts'), ...args], env)
    assert.deepEqual(await cli('export'), {
      code: 1,
      output: 'Export is not licensed (invalid): There is no license token',
    })
    assert.deepEqual(await cli('activate', `${token}x`), {
      code: 1,
      output: 'The token is not valid for this program',
    })
    assert.deepEqual(await cli('activate', token), { code: 0, output: 'active: pro, with export' })
    server.fail('outage')
    assert.deepEqual(await cli('export'), { code: 0, output: 'Exported' })
    assert.deepEqual(await cli('status'), { code: 0, output: 'active: The license is active' })
    server.recover()
    await server.licensing.licenses.revoke(server.app, id)
    const revoked = { code: 1, output: 'revoked: The license has been revoked (contact)' }
    assert.deepEqual(await cli('status'), revoked)
    assert.equal(statSync(join(home, '.desktop-app', 'license.json')).mode & 0o777, 0o600)
  })

const skip = lackingPython('examples/client_license.py')
const pythonProgram = pythonPath ?? ''

test('examples/client_license.py: activation, refresh, outage, forgery, revocation', { skip }, async () => {
  const { id, token } = await openServer()
  const file = join(emptyFolder(), 'license.json')
  const env = { LICENSE_SERVER: originOf(http), LICENSE_FILE: file, PYTHONDONTWRITEBYTECODE: '1' }
  const python = (...args: string[]): Promise<Ended> =>
    runToEnd([pythonProgram, resolve('examples/client_license.py'), ...args], env)
  const storedToken = (): string =>
    (JSON.parse(readFileSync(file, 'utf8')) as { readonly token: string }).token
  assert.deepEqual(await python('status'), { code: 1, output: 'not licensed: no features' })
  const [header, payload] = token.split('.')
  assert.deepEqual(await python('activate', `${header}.${payload}.AAAA`), {
    code: 1,
    output: 'Invalid license token',
  })
  assert.deepEqual(await python('activate', token), { code: 0, output: 'active: export' })
  const feature = { name: 'Webhooks', slug: 'webhooks' }
  await server.licensing.tiers.addFeature(server.app, 'pro', feature)
  assert.deepEqual(await python('refresh'), { code: 0, output: 'active: export, webhooks' })
  assert.notEqual(storedToken(), token)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  // An older token never replaces a newer one.
  assert.deepEqual(await python('activate', token), { code: 0, output: 'active: export, webhooks' })
  for (const fault of ['outage', 'captive_portal', 'proxy_error', 'lookalike', 'rate_limited'] as const) {
    server.fail(fault)
    assert.deepEqual(await python('refresh'), { code: 0, output: 'active: export, webhooks' }, fault)
  }
  server.recover()
  await server.licensing.licenses.revoke(server.app, id)
  assert.deepEqual(await python('status'), { code: 0, output: 'active: export, webhooks' })
  const revoked = { code: 1, output: 'revoked: no features' }
  for (const args of [['refresh'], ['status'], ['activate', token], ['status']])
    assert.deepEqual(await python(...args), revoked, `${args}`)
  await server.licensing.licenses.reinstate(server.app, id)
  await server.licensing.licenses.regenerate(server.app, id)
  const renewed = (await server.licensing.licenses.token(server.app, id))!
  assert.deepEqual(await python('activate', renewed), { code: 0, output: 'active: export, webhooks' })
})

test('examples/client_license.py: runs on if it cannot store its license', { skip }, async () => {
  const { token } = await openServer()
  const folder = emptyFolder()
  writeFileSync(join(folder, 'file'), '')
  const env = { LICENSE_SERVER: originOf(http), LICENSE_FILE: join(folder, 'file', 'license.json') }
  const { code, output } = await runToEnd(
    [pythonProgram, resolve('examples/client_license.py'), 'activate', ` ${token}\n`],
    env,
  )
  assert.deepEqual([code, output], [0, 'active: export'])
})

test('examples/client_license.py: refreshes once a day', { skip }, async () => {
  server = await createTestServer({ features: ['export'], start: Date.now() - 25 * 3_600_000 })
  const { token } = await server.issue()
  const env = { LICENSE_SERVER: originOf(http), LICENSE_FILE: join(emptyFolder(), 'license.json') }
  const python = (command: string): Promise<Ended> =>
    runToEnd([pythonProgram, resolve('examples/client_license.py'), command, token], env)
  await python('activate')
  await server.clock.advance(25 * 3_600)
  await python('status')
  await python('status')
  assert.equal(server.requests.length, 1)
})

const noBrowser = lackingBrowser('examples/client-browser.html')

test(
  'examples/client-browser.html: accepts a token, keeps it over a reload, and shows a revocation',
  { skip: noBrowser },
  async () => {
    const folder = emptyFolder()
    await run(['bun', 'build', 'examples/client-browser.html', '--outdir', folder])
    const pages = await listen(async (request) => {
      const file = request.url === '/' ? 'client-browser.html' : (request.url ?? '').slice(1)
      if (!existsSync(join(folder, file))) return new Response(null, { status: 404 })
      const type = file.endsWith('.html') ? 'text/html' : 'text/javascript'
      return new Response(readFileSync(join(folder, file)), { headers: { 'content-type': type } })
    })
    const { id, token } = await openServer([originOf(pages)])
    const browser = await startChromium()
    try {
      const page = await browser.newPage()
      await page.addInitScript((url) => {
        const set = (): void => document.documentElement?.setAttribute('data-license-server', url)
        document.addEventListener('readystatechange', set)
      }, originOf(http))
      const waitForState = (state: string): Promise<unknown> =>
        page.locator('#state', { hasText: state }).waitFor({ timeout: 10_000 })
      await page.goto(originOf(pages))
      await waitForState('invalid')
      await page.fill('#token', 'nonsense')
      await page.click('form button')
      await page.locator('#reason', { hasText: 'no license token' }).waitFor()
      await page.fill('#token', token)
      await page.click('form button')
      await waitForState('active')
      assert.equal(await page.isEnabled('#export'), true)
      await page.reload()
      await waitForState('active')
      await server.licensing.licenses.revoke(server.app, id)
      await page.click('#refresh')
      await waitForState('revoked')
      assert.equal(await page.isEnabled('#export'), false)
    } finally {
      await browser.close()
      pages.closeAllConnections()
      pages.close()
    }
  },
)
