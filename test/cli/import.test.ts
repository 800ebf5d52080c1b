import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { tokenStart } from '../support/tokens.ts'
import { otherMasterKey } from '../support/fixtures.ts'
import { emptyFolder, heartwood, type Ended } from './heartwood.ts'
import { seed, seededApp, seedEnvironment as env, seedLicensing } from './seed.ts'

type Line = Record<string, Record<string, unknown>>

interface Exported {
  readonly cwd: string
  readonly lines: readonly Line[]
}

async function exported(t: TestContext): Promise<Exported> {
  const cwd = emptyFolder(t)
  const storage = await sqliteStorage({ filename: join(cwd, 'from.db') })
  await seed(storage, 14)
  await storage.close()
  assert.equal((await heartwood(['export', 'all.ndjson', '--database', 'from.db'], { cwd, env })).code, 0)
  return { cwd, lines: linesOf(readFileSync(join(cwd, 'all.ndjson'), 'utf8')) }
}

function linesOf(text: string): readonly Line[] {
  const lines = text.trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as Line)
}

function runImport({ cwd }: Exported, input: string, environment = env): Promise<Ended> {
  return heartwood(['import', '-', '--database', 'to.db'], { cwd, env: environment, input })
}

function textOf(lines: readonly unknown[]): string {
  return lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')
}

/** Changes the last record of a kind. Returns all lines as text, and the number of the changed line. */
function altered(lines: readonly Line[], kind: string, change: (record: Record<string, unknown>) => unknown) {
  const at = lines.findLastIndex((line) => kind in line)
  return { number: at + 1, text: textOf(lines.with(at, { [kind]: change(lines[at]![kind]!) } as Line)) }
}

const secret = 'hunter2'

const broken: Readonly<
  Record<string, readonly [string, (record: Record<string, unknown>) => unknown, RegExp]>
> = {
  'a field of the wrong type': [
    'license',
    (one) => ({ ...one, revision: secret }),
    /revision must be an integer/,
  ],
  'an id that is no UUID': [
    'license',
    (one) => ({ ...one, id: 'lic_00000000000000000000000001' }),
    /id must be an id of the form lic_…, a UUID by RFC 9562/,
  ],
  'an unknown field': ['customer', (one) => ({ ...one, password: secret }), /password is not a known field/],
  'a missing field': ['license', ({ tier: _tier, ...one }) => one, /tier is required/],
  'an unsealed secret': ['app', (one) => ({ ...one, tokenSecret: secret }), /tokenSecret must be sealed/],
  'a text in place of a record': ['apiKey', () => secret, /must be an object/],
  'a missing customer': [
    'license',
    (one) => ({ ...one, customerId: 'cus_01h2xcejqtf2nbrexx3vqjhp41' }),
    /refers to a record that no earlier line holds/,
  ],
  'a missing feature': [
    'tier',
    (one) => ({ ...one, features: ['nowhere'] }),
    /refers to a record that no earlier/,
  ],
}

test('heartwood import: a broken line is named by number and rule, never by value, and imports nothing', async (t) => {
  const given = await exported(t)
  for (const [fault, [kind, change, wanted]] of Object.entries(broken)) {
    const { number, text } = altered(given.lines, kind, change)
    const { code, stdout, stderr } = await runImport(given, text)
    assert.deepEqual([code, stdout], [1, ''], fault)
    assert.match(
      stderr,
      new RegExp(`^(Created the database to\\.db\\.\\n)?heartwood: Line ${number}: [^\\n]+\\n$`),
      fault,
    )
    assert.match(stderr, wanted, fault)
    assert.equal(stderr.includes(secret), false, fault)
  }
  const whole = await runImport(given, textOf(given.lines))
  assert.equal(whole.code, 0, whole.stderr)
})

test('heartwood import: refuses input that is no export, incomplete, repeated or inconsistent, and imports nothing', async (t) => {
  const given = await exported(t)
  const { lines } = given
  const license = lines.findIndex((line) => 'license' in line)
  const moved = altered(lines, 'license', (one) => ({ ...one, minRevision: 900 }))
  const keyless = lines.filter((line) => line['signingKey']?.['acceptedUntil'] !== null)
  const refused: readonly (readonly [string, RegExp])[] = [
    ['', /no records to import/],
    ['{"license": {}}\n', /Line 1 is not the header of an export/],
    [`${secret}\n`, /Line 1 is not the header of an export/],
    [
      textOf(lines.slice(0, -1)),
      /The export is incomplete: its header counts (\d+) records of kind auditEntry, but it holds \d+\n/,
    ],
    [textOf([...lines, secret]), /Line \d+: must be an object of one of app, /],
    [
      textOf([...lines.slice(0, license + 1), ...lines.slice(license)]),
      /Line \d+: repeats a unique value of an earlier line/,
    ],
    [textOf([...lines, lines.at(-1)]), /Line \d+: repeats a unique value of an earlier line/],
    [
      textOf([...lines, { portal: {} }]),
      /Line \d+: a newer version of Heartwood wrote it, with a record of kind portal\n/,
    ],
    [moved.text, /Problems found in the export: 1\. The first: license lic_\w+ has a revision below/],
    [textOf(keyless), /incomplete: its header counts 4 records of kind signingKey, but it holds 2\n/],
    [
      altered(lines, 'license', (one) => ({ ...one, seenAt: undefined })).text,
      /Line \d+: .*seenAt is required/,
    ],
    [
      textOf(lines).replace('"format":4', '"format":5'),
      /format must be an integer from 1 to 4: a newer version of Heartwood wrote the export/,
    ],
  ]
  for (const [text, wanted] of refused) {
    const { code, stderr } = await runImport(given, text)
    assert.equal(code, 1)
    assert.match(stderr, wanted)
    assert.match(stderr, /^(Created the database to\.db\.\n)?heartwood: [^\n]+\n$/)
    assert.equal(stderr.includes(secret), false)
  }
  const whole = await runImport(given, textOf(lines))
  assert.equal(whole.code, 0, `a refused import left records behind: ${whole.stderr}`)
})

test('heartwood import: refuses another master key, or none, before it writes anything', async (t) => {
  const given = await exported(t)
  const text = textOf(given.lines)
  const other = await runImport(given, text, { HEARTWOOD_MASTER_KEY: otherMasterKey })
  assert.deepEqual(
    [other.code, other.stderr],
    [1, 'heartwood: Wrong master key: it does not open this storage\n'],
  )
  const none = await runImport(given, text, {})
  assert.match(none.stderr, /^heartwood: There is no master key: put it into to\.key/)
  for (const name of ['to.db', 'to.key']) assert.equal(existsSync(join(given.cwd, name)), false, name)
})

test('heartwood export: needs no master key, writes no open secret, and only its owner can read the file', async (t) => {
  const { cwd, lines } = await exported(t)
  assert.equal((await heartwood(['export', 'again.ndjson', '--database', 'from.db'], { cwd })).code, 0)
  assert.equal(statSync(join(cwd, 'again.ndjson')).mode & 0o777, 0o600)
  const text = textOf(lines)
  assert.doesNotMatch(text, /PRIVATE KEY|[sp]k_(live|test)_/)
  // The headers of statements begin as those of tokens do.
  assert.equal(text.replaceAll(/"protected\\":\\"[\w-]+/g, '').includes(tokenStart), false)
  assert.deepEqual(Object.keys(lines[0]!), ['heartwood'])
})

test('heartwood import: retired signing keys keep the time and the reason of their retirement', async (t) => {
  const given = await exported(t)
  const retirements = [
    { retiredAt: 1_700_000_001, retiredReason: 'compromised' },
    { retiredAt: null, retiredReason: null },
  ]
  const changes = retirements.values()
  const lines = given.lines.map(({ signingKey, ...line }) => {
    if (signingKey === undefined) return line
    return {
      signingKey:
        signingKey['acceptedUntil'] === null ? signingKey : { ...signingKey, ...changes.next().value },
    }
  })
  const { code, stderr } = await runImport(given, textOf(lines))
  assert.equal(code, 0, stderr)
  const storage = await sqliteStorage({ filename: join(given.cwd, 'to.db') })
  t.after(() => storage.close())
  const app = (await storage.findApp(seededApp))!
  const keys = (await storage.listSigningKeys(app.id)).toReversed()
  assert.deepEqual(
    keys.map(({ retiredAt, retiredReason }) => ({ retiredAt, retiredReason })),
    [...retirements, { retiredAt: null, retiredReason: null }],
  )
})

test('heartwood import: refuses an endless line and bytes that are not UTF-8', async (t) => {
  const given = await exported(t)
  const [first = {}] = given.lines
  const endless = await runImport(given, `${JSON.stringify(first)}\n${'['.repeat(5_000_000)}`)
  assert.match(endless.stderr, /^(Created [^\n]+\n)?heartwood: Line 2 is too long\n$/)
  writeFileSync(join(given.cwd, 'bytes.ndjson'), Buffer.from([0x7b, 0xff, 0xfe, 0x0a]))
  const bytes = await heartwood(['import', 'bytes.ndjson', '--database', 'to.db'], { cwd: given.cwd, env })
  assert.match(bytes.stderr, /^(Created [^\n]+\n)?heartwood: The input is not UTF-8\n$/)
})

/** The fields that both records have, as the second one has them. */
function known(old: Line, now: Line): Line {
  const [[kind = '', fields = {}] = []] = Object.entries(old)
  const names = new Set(Object.keys(fields))
  return { [kind]: Object.fromEntries(Object.entries(now[kind] ?? {}).filter(([name]) => names.has(name))) }
}

test('heartwood import: an export of 0.1.0 (format 1) comes in whole, and its tokens stay the same', async (t) => {
  const cwd = emptyFolder(t)
  const old = readFileSync('test/vectors/own/export-0.1.0.ndjson', 'utf8')
  const input = ['import', '-', '--database', 'to.db']
  const imported = await heartwood(input, { cwd, env, input: old })
  assert.equal(imported.code, 0, imported.stderr)
  const again = await heartwood(['export', '-', '--database', 'to.db'], { cwd, env })
  const [before, now] = [linesOf(old).slice(1), linesOf(again.stdout).slice(1)]
  assert.deepEqual(
    before.map((line, at) => known(line, now[at]!)),
    before,
  )
  const storage = await sqliteStorage({ filename: join(cwd, 'to.db') })
  t.after(() => storage.close())
  const { licenses } = await seedLicensing(storage)
  const frozen = JSON.parse(readFileSync('test/vectors/own/export-0.1.0-token.json', 'utf8')) as {
    readonly license: string
    readonly token: string
  }
  assert.equal(await licenses.token(seededApp, frozen.license), frozen.token)
  const { revokedCause, seenAt, seenKid, seenClient } = await licenses.get(seededApp, frozen.license)
  assert.deepEqual([revokedCause, seenAt, seenKid, seenClient], [null, null, null, null])
})
