import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createLicensing, type Licensing } from '../../src/core/index.ts'
import { postgresStorage } from '../../src/storage/postgres.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { noPostgres, openTestDatabase } from '../storage/postgres-database.ts'
import { randomFrom } from '../storage/race-tasks.ts'
import { dump } from '../support/dump.ts'
import { keyPairSource, testKeyPairs } from '../support/keys.ts'
import { emptyFolder, heartwood } from './heartwood.ts'
import { seedEnvironment as env } from './seed.ts'

const latest = 253_402_300_799
const now = Math.floor(Date.now() / 1000)

/** Characters that a storage, a line of an export, or a rule could take for something else. */
const odd = [
  ...['a', 'Z', '0', ' ', '"', '\\', '\n', '\r', '\t', '\u2028', '\u2029', '\u0001', '\u007F', '\uFEFF'],
  ...[
    'é',
    'e\u0301',
    'İ',
    'ß',
    'ς',
    'ﬃ',
    '漢',
    '\u{1F600}',
    '\u202E',
    '\u0000'.padStart(2, '\\'),
    '%',
    "'",
    '{}',
  ],
].map((text) => text.replace('\u0000', '0'))

type Random = () => number

/** Text of exactly `length` UTF-16 code units. */
function oddText(random: Random, length: number): string {
  let text = ''
  while (text.length < length) text += odd[Math.floor(random() * odd.length)]
  const cut = text.slice(0, length)
  return cut.isWellFormed() ? cut : `${cut.slice(0, -1)}x`
}

/** Any JSON, with the names and numbers that programs mistake. */
function oddJson(random: Random, depth: number): unknown {
  const leaves = [null, true, 0, 1e-300, 0.1, -(2 ** 53 - 1), oddText(random, 9), [], {}]
  if (depth === 0) return leaves[Math.floor(random() * leaves.length)]
  const inner = oddJson(random, depth - 1)
  const names = ['__proto__', 'constructor', 'toString', '', 'id', oddText(random, 5)]
  const name = names[Math.floor(random() * names.length)]!
  // A literal `__proto__` would set the prototype.
  return random() < 0.5 ? [inner, depth] : Object.fromEntries([[name, inner]])
}

const oddMetadata = (random: Random) => ({ any: oddJson(random, 8), deep: oddJson(random, 28) }) as never
const fullMetadata = { text: 'x'.repeat(16 * 1024 - '{"text":""}'.length) }

const slugOf = (number: number): string => `${number}`.padStart(63, '_')

/** The spellings of a pair that core takes. */
const spellings: readonly ((pem: string) => string)[] = [
  (pem) => pem.replaceAll('\n', '\r\n'),
  (pem) => pem.replaceAll('\n', ''),
  (pem) => `\uFEFF\n${pem}\n\nKept by Ada <ada@example.com>\n`,
  (pem) => pem.replaceAll(/(.{64})\n/g, '$1').replaceAll(/([A-Za-z0-9+/]{76})/g, '$1\n'),
]

async function fillApp(licensing: Licensing, random: Random, at: number): Promise<void> {
  const slug = at === 0 ? '-'.repeat(63) : `app-${at}`
  const keyPair = (number: number) => {
    const spell = spellings[number % spellings.length]!
    const { publicKeyPem, privateKeyPem } = testKeyPairs[number]!
    return { publicKeyPem: spell(publicKeyPem), privateKeyPem: spell(privateKeyPem) }
  }
  await licensing.apps.create(
    {
      name: oddText(random, 255),
      slug,
      description: oddText(random, 2048),
      webhookUrl: `https://bücher.example:8443/${'ü'.repeat(2000)}?a=%00&b="#é`,
    },
    { mode: at % 2 === 0 ? 'live' : 'test', keyPair: keyPair(2 * at) },
  )
  await licensing.rotateKeys(slug, { gracePeriodDays: 90 }, keyPair(2 * at + 1))
  await licensing.webhooks.rollSecret(slug, { overlapSeconds: 2_592_000 })
  await licensing.webhooks.test(slug)
  const features = Array.from({ length: 100 }, (_, number) => slugOf(number))
  await licensing.tiers.create(slug, {
    name: oddText(random, 255),
    slug: slugOf(0),
    position: 1_000_000,
    features,
  })
  await licensing.tiers.create(slug, { name: ' ', slug: '_', position: 0, description: '' })
  await licensing.features.create(slug, {
    name: oddText(random, 1),
    slug: 'a',
    description: oddText(random, 2048),
  })
  await fillCustomers(licensing, random, slug)
  const apiKey = { app: slug, mode: at % 2 === 0 ? 'live' : 'test', name: oddText(random, 255) } as const
  const { id } = await licensing.apiKeys.create({ ...apiKey, type: 'pk', expiresAt: latest })
  await licensing.apiKeys.roll(id, { overlapSeconds: 2_592_000 })
  await licensing.apiKeys.create({ name: '' })
}

async function fillCustomers(licensing: Licensing, random: Random, slug: string): Promise<void> {
  const emails = ['a@b', `${'İ'.repeat(250)}@bß`, `"ada,,"@[127.0.0.1]`, `${'ﬃ'.repeat(248)}@ΣΑΣ.ς`]
  for (const [number, email] of emails.entries()) {
    const customer = await licensing.customers.create(slug, {
      email,
      name: number === 0 ? '' : oddText(random, 255),
      externalId: oddText(random, 254 + (number % 2)),
      metadata: number === 0 ? fullMetadata : oddMetadata(random),
    })
    const license = await licensing.licenses.create(slug, {
      installationId: crypto.randomUUID().toUpperCase(),
      customerId: customer.id,
      tierId: number === 0 ? slugOf(0) : '_',
      customFeatures: Array.from({ length: 50 }, (_, at) => slugOf(1_000 + at)),
      ...(number === 0 ? { expiresAt: latest } : number === 1 ? { durationDays: 36_500 } : { forever: true }),
      metadata: number === 1 ? fullMetadata : oddMetadata(random),
    })
    if (number === 2) await licensing.licenses.revoke(slug, license.id, { reason: oddText(random, 1024) })
    if (number === 3) {
      await licensing.licenses.renew(slug, license.id, license.token, { client: '~'.repeat(64) })
      await licensing.tiers.delete(slug, '_')
    }
  }
}

test('heartwood export and import: whatever core accepts comes back equal, into SQLite and into PostgreSQL', async (t) => {
  const cwd = emptyFolder(t)
  const postgres = await openTestDatabase()
  t.after(() => postgres?.drop())
  if (postgres === undefined) return t.skip(noPostgres)
  const from = await sqliteStorage({ filename: join(cwd, 'from.db') })
  const licensing = await createLicensing({
    storage: from,
    masterKey: env['HEARTWOOD_MASTER_KEY']!,
    issuer: 'ß'.repeat(255),
    newKeyPair: keyPairSource(),
  })
  const random = randomFrom(now)
  t.diagnostic(`random numbers from ${now}`)
  for (let at = 0; at < 3; at++) await fillApp(licensing, random, at)
  const accepted = await dump(from)
  await from.close()
  const exported = await heartwood(['export', 'all.ndjson', '--database', 'from.db'], { cwd, env })
  assert.equal(exported.code, 0, exported.stderr)
  for (const to of ['to.db', await postgres.nextSchema()]) {
    const imported = await heartwood(['import', 'all.ndjson', '--database', to], { cwd, env })
    assert.equal(imported.code, 0, imported.stderr)
    const storage = await (to === 'to.db'
      ? sqliteStorage({ filename: join(cwd, to) })
      : postgresStorage({ connectionString: to }))
    assert.equal(await dump(storage), accepted)
    await storage.close()
  }
})

test('heartwood import: takes public keys that 0.1.0 stored as they came, and stores their one spelling', async (t) => {
  const cwd = emptyFolder(t)
  const from = await sqliteStorage({ filename: join(cwd, 'from.db') })
  const licensing = await createLicensing({ storage: from, masterKey: env['HEARTWOOD_MASTER_KEY']! })
  for (const at of spellings.keys())
    await licensing.apps.create({ name: 'n', slug: `app-${at}` }, { keyPair: testKeyPairs[at]! })
  const wanted = await dump(from)
  await from.close()
  await heartwood(['export', 'all.ndjson', '--database', 'from.db'], { cwd, env })
  let text = readFileSync(join(cwd, 'all.ndjson'), 'utf8')
  for (const [at, spell] of spellings.entries()) {
    const pem = testKeyPairs[at]!.publicKeyPem
    const old = text
    text = text.replace(JSON.stringify(pem), JSON.stringify(spell(pem)))
    assert.notEqual(text, old)
  }
  writeFileSync(join(cwd, 'old.ndjson'), text)
  const imported = await heartwood(['import', 'old.ndjson', '--database', 'to.db'], { cwd, env })
  assert.equal(imported.code, 0, imported.stderr)
  const to = await sqliteStorage({ filename: join(cwd, 'to.db') })
  assert.equal(await dump(to), wanted)
  await to.close()
})
