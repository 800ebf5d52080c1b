import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { storedResponsePurpose } from '../../src/core/keys/purposes.ts'
import { createSealer } from '../../src/core/runtime/sealer.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { sender, type Json } from '../adapters/test-server.ts'
import { installation } from '../support/fixtures.ts'
import { eventually, receiver } from '../webhooks/receivers.ts'
import { emptyFolder, heartwood, startServer } from './heartwood.ts'

const alias = 'order_0123456789-abc'
const laterAlias = '7f2c1e0a-5b7d-4c0e-9a53-0d6f3f1b2c4d'
const base = '/apps/desktop-app'
const keys = `${base}/license-keys`

/** The text of every file in a folder that a database writes. */
function bytesIn(folder: string): string {
  const files = readdirSync(folder).filter((name) => name.startsWith('heartwood.db'))
  return files.map((name) => readFileSync(join(folder, name), 'latin1')).join('')
}

/** Forms of a license key whose knowledge is the license key: whole, and without the handle, which is stored. */
function formsOf(text: string): readonly string[] {
  const plain = text.replaceAll('-', '')
  const forms = text.length === 29 ? [text, plain, plain.slice(7), text.slice(6)] : [text, plain]
  return forms.flatMap((form) => [
    form,
    form.toLowerCase(),
    encodeURIComponent(form),
    btoa(form).slice(0, -3),
  ])
}

function assertNowhere(places: Readonly<Record<string, string>>, texts: readonly string[]): void {
  for (const [place, bytes] of Object.entries(places)) {
    assert.ok(bytes.length > 100, `${place} is empty`)
    for (const text of texts)
      for (const form of formsOf(text))
        assert.equal(bytes.includes(form), false, `${place} has a license key`)
  }
}

/** Uses every route, well and badly. Resolves to the texts of all license keys, and to the bytes of all refusals. */
async function useAll(
  url: string,
  key: string,
  hook: string,
): Promise<{ readonly texts: readonly string[]; readonly refusals: string }> {
  const send = sender((request) => fetch(request), url)
  const refusals: string[] = []
  const ask = async (method: string, path: string, body?: unknown, headers = {}): Promise<Json> => {
    const response = await send(method, path, { key, headers, ...(body !== undefined && { body }) })
    if (response.status >= 400) refusals.push(response.text)
    return response.status >= 400 || response.text === '' ? {} : response.data<Json>()
  }
  const tell = async (path: string, body: unknown): Promise<Json> => {
    const response = await send('POST', path, { body })
    if (response.status >= 400) refusals.push(response.text)
    return response.status >= 400 ? {} : response.data<Json>()
  }
  await ask('POST', '/apps', { name: 'App', slug: 'desktop-app', webhook_url: hook })
  await ask('POST', `${base}/tiers`, { name: 'Pro', slug: 'pro' })
  const customer = await ask('POST', `${base}/customers`, { email: 'ada@example.com' })
  const once = { 'idempotency-key': 'once' }
  const terms = { customer_id: customer.id, tier_id: 'pro', seats: 1, forever: true, key: alias }
  const sold = await ask('POST', keys, terms, once)
  assert.equal((await ask('POST', keys, terms, once)).key, sold.key, 'a replay derives the text')
  await ask('POST', keys, terms)
  const customerOfShop = { email: 'bob@example.com' }
  const sale = { external_id: 's', as_of: '2026-01-23T10:00:00Z', customer: customerOfShop, tier_id: 'pro' }
  const synced = await ask(
    'POST',
    `${keys}/sync`,
    { ...sale, seats: 1, expires_at: null, key: laterAlias },
    {
      'idempotency-key': 'twice',
    },
  )
  const rolled = await ask(
    'POST',
    `${keys}/${sold.id as string}/roll`,
    { overlap_days: 9 },
    {
      'idempotency-key': 'thrice',
    },
  )
  const texts = [sold.key, rolled.key, synced.key, alias, laterAlias] as string[]
  for (const [at, text] of texts.entries()) {
    const number = at === 2 || at === 4 ? 2 : 1
    const body = { license_key: text, installation_id: installation(number) }
    const seat = await tell(`${keys}/activate`, body)
    await tell(`${keys}/activate`, { ...body, installation_id: installation(7 + at) })
    await tell(`${keys}/activate`, { ...body, name: 7, [text]: text })
    await tell(`${keys}/activate?${text}=${text}`, body)
    await tell(`${keys}/verify`, { license_key: text })
    await tell(`${keys}/seats`, { license_key: text })
    await tell(`${base}/licenses/${seat.id as string}/release`, { license_key: text })
    await tell(`${base}/licenses/${text}/release`, { license_key: text })
    for (const path of [`${keys}/${text}`, `${keys}?x=${text}`, `/${text}`, `${keys}/activate/${text}/x`])
      for (const method of ['GET', 'POST', 'PUT', 'DELETE'])
        await ask(method, path, method === 'GET' ? undefined : { text })
    await ask('GET', `${keys}/by-external-id?external_id=${text}`)
    await ask('GET', '/apps', undefined, {
      authorization: `Bearer ${text}`,
      'user-agent': text,
      'x-request-id': `${text} x`,
    })
    await tell(`/apps/${text.toLowerCase()}/license-keys/activate`, body)
    // A well-formed request id goes into the log as it came, unless it reads as a license key.
    if (text.length === 29) await ask('GET', '/apps', undefined, { 'x-request-id': text })
  }
  return { texts, refusals: refusals.join('\n') }
}

test('heartwood serve: the text of a license key is in no file, log line, event, refusal, kept response or export', async (t) => {
  const cwd = emptyFolder(t)
  const hooks: string[] = []
  const hook = await receiver((request, response, body) => {
    hooks.push(JSON.stringify(request.headers) + body)
    response.writeHead(204).end()
  })
  t.after(() => hook.close())
  const env = { HEARTWOOD_LOG: 'json', HEARTWOOD_PRIVATE_WEBHOOKS: 'allow', HEARTWOOD_RATE_LIMITS: 'off' }
  const server = await startServer(t, { cwd, env })
  const { texts, refusals } = await useAll(server.url, server.key!, hook.url)
  await eventually(() =>
    ['license_key.created', 'license_key.rolled', 'license.released'].every((type) =>
      hooks.some((each) => each.includes(type)),
    ),
  )
  assert.ok(existsSync(join(cwd, 'heartwood.db-wal')))
  const running = bytesIn(cwd)
  const { stderr, stdout } = await server.stop()
  const stopped = bytesIn(cwd)
  const exported = await heartwood(['export', 'all.json'], { cwd })
  assert.equal(exported.code, 0, exported.stderr)
  const places = {
    'the database while it runs': running,
    'the database': stopped,
    'the log': stderr,
    'standard output': stdout,
    'the webhooks': hooks.join('\n'),
    'the refusals': refusals,
    'the export': readFileSync(join(cwd, 'all.json'), 'latin1'),
    'the kept responses': await keptResponses(cwd),
  }
  assertNowhere(places, texts)
  for (const place of ['the database', 'the webhooks', 'the export', 'the kept responses'] as const)
    assert.ok(places[place].includes('lkey_'), `${place} has license keys`)
  assert.ok(places['the log'].includes('/license-keys/activate'))
  const { code, stderr: faults } = await heartwood(['doctor'], { cwd })
  assert.equal(code, 0, faults)
})

/** The responses under an idempotency key, opened with the master key. */
async function keptResponses(cwd: string): Promise<string> {
  const storage = await sqliteStorage({ filename: join(cwd, 'heartwood.db') })
  const file = readdirSync(cwd).find((name) => name.includes('key'))!
  const sealer = await createSealer(readFileSync(join(cwd, file), 'utf8').trim())
  const opened: string[] = []
  for (const { id } of await storage.listApiKeys({}, { limit: 10 }))
    for (const key of ['once', 'twice', 'thrice']) {
      const stored = await storage.findStoredResponse(id, key, 0)
      if (stored === null) continue
      opened.push(new TextDecoder().decode(sealer.open(stored.answer, storedResponsePurpose(id, key))))
    }
  await storage.close()
  assert.equal(opened.length, 3)
  return opened.join('\n')
}
