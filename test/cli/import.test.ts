import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { tokenStart } from '../support/tokens.ts'
import { otherMasterKey } from '../support/fixtures.ts'
import { emptyFolder, heartwood, type Ended } from './heartwood.ts'
import { seed, seedEnvironment as env } from './seed.ts'

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
  const text = readFileSync(join(cwd, 'all.ndjson'), 'utf8').trimEnd()
  return { cwd, lines: text.split('\n').map((line) => JSON.parse(line) as Line) }
}

function importing({ cwd }: Exported, input: string, environment = env): Promise<Ended> {
  return heartwood(['import', '-', '--database', 'to.db'], { cwd, env: environment, input })
}

function textOf(lines: readonly unknown[]): string {
  return lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')
}

/** The lines with one of a kind changed; its number, too. */
function altered(lines: readonly Line[], kind: string, change: (record: Record<string, unknown>) => unknown) {
  const at = lines.findLastIndex((line) => kind in line)
  return { number: at + 1, text: textOf(lines.with(at, { [kind]: change(lines[at]![kind]!) } as Line)) }
}

const secret = 'hunter2'

const broken: Readonly<
  Record<string, readonly [string, (record: Record<string, unknown>) => unknown, RegExp]>
> = {
  'a field of another type': [
    'license',
    (one) => ({ ...one, revision: secret }),
    /revision must be an integer/,
  ],
  'a field too many': ['customer', (one) => ({ ...one, password: secret }), /password is not a known field/],
  'a field too few': ['license', ({ tier: _tier, ...one }) => one, /tier is required/],
  'a secret that is not sealed': [
    'app',
    (one) => ({ ...one, tokenSecret: secret }),
    /tokenSecret must be sealed/,
  ],
  'no record': ['apiKey', () => secret, /must be an object/],
  'a customer of nobody': [
    'license',
    (one) => ({ ...one, customerId: 'cus_01h2xcejqtf2nbrexx3vqjhp41' }),
    /refers to a record that is in no earlier line/,
  ],
  'a feature of nobody': [
    'tier',
    (one) => ({ ...one, features: ['nowhere'] }),
    /refers to a record that is in no/,
  ],
}

test('a line that breaks a rule is named by number and rule, never by value, and nothing is imported', async (t) => {
  const given = await exported(t)
  for (const [what, [kind, change, wanted]] of Object.entries(broken)) {
    const { number, text } = altered(given.lines, kind, change)
    const { code, stdout, stderr } = await importing(given, text)
    assert.deepEqual([code, stdout], [1, ''], what)
    assert.match(stderr, new RegExp(`^heartwood: Line ${number}: [^\\n]+\\n$`), what)
    assert.match(stderr, wanted, what)
    assert.equal(stderr.includes(secret), false, what)
  }
  const whole = await importing(given, textOf(given.lines))
  assert.equal(whole.code, 0, whole.stderr)
})

test('what is no export, cut, doubled or not sound is refused whole', async (t) => {
  const given = await exported(t)
  const { lines } = given
  const license = lines.findIndex((line) => 'license' in line)
  const moved = altered(lines, 'license', (one) => ({ ...one, minRevision: 900 }))
  const keyless = lines.filter((line) => line['signingKey']?.['acceptedUntil'] !== null)
  const refused: readonly (readonly [string, RegExp])[] = [
    ['', /nothing to import/],
    ['{"license": {}}\n', /Line 1 is not the first of an export/],
    [`${secret}\n`, /Line 1 is not the first of an export/],
    [
      textOf(lines.slice(0, -1)),
      /The export is not whole: its first line counts 2 of apiKey, and 1 are there/,
    ],
    [textOf([...lines, secret]), /Line \d+: must be an object of one of app, /],
    [textOf([...lines.slice(0, license + 1), ...lines.slice(license)]), /Line \d+: what must be unique/],
    [textOf([...lines, lines.at(-1)]), /Line \d+: what must be unique/],
    [moved.text, /not sound, in 1 places\. license lic_\w+: has a revision below/],
    [textOf(keyless), /not whole: its first line counts 4 of signingKey, and 2 are there/],
    [textOf(lines).replace('"format":1', '"format":2'), /format must be 1: another Heartwood wrote it/],
  ]
  for (const [text, wanted] of refused) {
    const { code, stderr } = await importing(given, text)
    assert.equal(code, 1)
    assert.match(stderr, wanted)
    assert.match(stderr, /^heartwood: [^\n]+\n$/)
    assert.equal(stderr.includes(secret), false)
  }
  const whole = await importing(given, textOf(lines))
  assert.equal(whole.code, 0, `nothing of what was refused is left: ${whole.stderr}`)
})

test('an import under another master key, or under none, is refused before anything is written', async (t) => {
  const given = await exported(t)
  const text = textOf(given.lines)
  const other = await importing(given, text, { HEARTWOOD_MASTER_KEY: otherMasterKey })
  assert.deepEqual(
    [other.code, other.stderr],
    [1, 'heartwood: Wrong master key: it does not open this storage\n'],
  )
  const none = await importing(given, text, {})
  assert.match(none.stderr, /^heartwood: There is no master key: put it into to\.key/)
  for (const name of ['to.db', 'to.key']) assert.equal(existsSync(join(given.cwd, name)), false, name)
})

test('an export needs no master key, holds no open secret, and is for its owner alone', async (t) => {
  const { cwd, lines } = await exported(t)
  assert.equal((await heartwood(['export', 'again.ndjson', '--database', 'from.db'], { cwd })).code, 0)
  assert.equal(statSync(join(cwd, 'again.ndjson')).mode & 0o777, 0o600)
  const text = textOf(lines)
  assert.doesNotMatch(text, /PRIVATE KEY|[sp]k_(live|test)_/)
  assert.equal(text.includes(tokenStart), false)
  assert.deepEqual(Object.keys(lines[0]!), ['heartwood'])
})

test('a line without end and bytes that are no text are refused', async (t) => {
  const given = await exported(t)
  const [first = {}] = given.lines
  const endless = await importing(given, `${JSON.stringify(first)}\n${'['.repeat(5_000_000)}`)
  assert.equal(endless.stderr, 'heartwood: Line 2 is too long\n')
  writeFileSync(join(given.cwd, 'bytes.ndjson'), Buffer.from([0x7b, 0xff, 0xfe, 0x0a]))
  const bytes = await heartwood(['import', 'bytes.ndjson', '--database', 'to.db'], { cwd: given.cwd, env })
  assert.equal(bytes.stderr, 'heartwood: What is read is not UTF-8\n')
})
