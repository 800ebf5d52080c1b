import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { newTypeId } from '../../src/core/ids.ts'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { noPostgres, openTestDatabase, type TestDatabase } from '../storage/postgres-database.ts'
import { emptyFolder, heartwood } from './heartwood.ts'
import { seed, seedEnvironment as env } from './seed.ts'

type Fields = Record<string, unknown>
type Line = Record<string, Fields>

let postgres: TestDatabase | undefined
before(async () => {
  postgres = await openTestDatabase()
})
after(() => postgres?.drop())

/** More than one batch of each kind. */
const added = 1100

interface Export {
  readonly cwd: string
  readonly lines: readonly Line[]
}

/** An export with more customers and licenses than one batch has. */
async function largeExport(t: TestContext): Promise<Export> {
  const cwd = emptyFolder(t)
  const storage = await sqliteStorage({ filename: join(cwd, 'from.db') })
  await seed(storage, 14)
  await storage.close()
  const exported = await heartwood(['export', 'all.ndjson', '--database', 'from.db'], { cwd, env })
  assert.equal(exported.code, 0, exported.stderr)
  const text = readFileSync(join(cwd, 'all.ndjson'), 'utf8')
  const lines = text.trimEnd().split('\n')
  return { cwd, lines: withMore(lines.map((line) => JSON.parse(line) as Line)) }
}

function withMore(lines: readonly Line[]): readonly Line[] {
  const customers = copiesOf(lines, 'customer', (number) => {
    const email = `copy-${number}@example.com`
    return { id: newTypeId('cus'), email, foldedEmail: email, externalId: null }
  })
  const licenses = copiesOf(lines, 'license', () => ({
    id: newTypeId('lic'),
    installationId: crypto.randomUUID(),
  }))
  const [header, ...records] = lines
  const { counts } = header!['heartwood'] as { counts: { customer: number; license: number } }
  counts.customer += added
  counts.license += added
  const at = records.findIndex((line) => 'license' in line)
  const afterLicenses = records.findLastIndex((line) => 'license' in line) + 1
  return [
    header!,
    ...records.slice(0, at),
    ...customers,
    ...records.slice(at, afterLicenses),
    ...licenses,
    ...records.slice(afterLicenses),
  ]
}

function copiesOf(lines: readonly Line[], kind: string, own: (number: number) => Fields): readonly Line[] {
  const pattern = lines.find((line) => line[kind]?.['current'] ?? kind in line)![kind]
  return Array.from({ length: added }, (_, number) => ({ [kind]: { ...pattern, ...own(number) } }))
}

/** The index of the line with the last record of a kind, or of one before it. */
function lastOf(lines: readonly Line[], kind: string, before = 0): number {
  return lines.findLastIndex((line) => kind in line) - before
}

const faults: Readonly<
  Record<string, readonly [kind: string, change: (earlier: Fields) => Fields, wanted: RegExp]>
> = {
  'a repeated e-mail': [
    'customer',
    ({ email, foldedEmail }) => ({ email, foldedEmail }),
    /repeats a unique value of an earlier line/,
  ],
  'a repeated id': ['customer', ({ id }) => ({ id }), /repeats a unique value of an earlier line/],
  'an occupied installation slot': [
    'license',
    ({ installationId }) => ({ installationId }),
    /repeats a unique value of an earlier line/,
  ],
  'a missing customer': [
    'license',
    () => ({ customerId: newTypeId('cus') }),
    /refers to a record that no earlier line holds/,
  ],
}

async function importInto(database: string, { cwd, lines }: Export) {
  writeFileSync(join(cwd, 'changed.ndjson'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  return heartwood(['import', 'changed.ndjson', '--database', database], { cwd, env })
}

async function refusesEachFault(database: string, given: Export): Promise<void> {
  const { lines } = given
  for (const [fault, [kind, change, wanted]] of Object.entries(faults))
    // In the midst of a whole batch, and in the rest after it.
    for (const before of [500, 3]) {
      const at = lastOf(lines, kind, before)
      const changed = { [kind]: { ...lines[at]![kind], ...change(lines[at - 2]![kind]!) } }
      const { code, stderr } = await importInto(database, { ...given, lines: lines.with(at, changed) })
      assert.equal(code, 1, fault)
      assert.match(stderr, new RegExp(`heartwood: Line ${at + 1}: ${wanted.source}\\n$`), fault)
    }
  const whole = await importInto(database, given)
  assert.equal(whole.code, 0, `a refused import left records behind: ${whole.stderr}`)
  const again = await heartwood(['export', '-', '--database', database], { cwd: given.cwd, env })
  assert.deepEqual(
    sortedLines(again.stdout),
    sortedLines(readFileSync(join(given.cwd, 'changed.ndjson'), 'utf8')),
  )
}

/** The lines after the header, in an order of their own: the copies have other ids than their place. */
function sortedLines(text: string): readonly string[] {
  return text.trimEnd().split('\n').slice(1).toSorted()
}

test('heartwood import of many records on SQLite: names the line of a fault within a batch, and writes all or none', async (t) => {
  const given = await largeExport(t)
  await refusesEachFault('to.db', given)
  const told = async (file: string): Promise<unknown> => {
    const connection = await openConnection(join(given.cwd, file), { readonly: true })
    t.after(() => connection.close())
    return connection.first('select count(told_expired) as expired from heartwood_license', [])
  }
  assert.deepEqual(await told('to.db'), await told('from.db'), 'an end that was announced stays announced')
})

test('heartwood import of many records on PostgreSQL: names the line of a fault within a batch, and writes all or none', async (t) => {
  if (postgres === undefined) return t.skip(noPostgres)
  await refusesEachFault(await postgres.nextSchema(), await largeExport(t))
})
