import assert from 'node:assert/strict'
import { createHmac, hkdfSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { compactVerify, importSPKI } from 'jose'
import { createLicensing } from '../../src/core/licensing.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { addEntries, newEntries } from '../support/audit-entries.ts'
import { masterKey } from '../support/fixtures.ts'
import { keyPairSource } from '../support/keys.ts'
import { openRaw } from '../storage/raw-rows.ts'
import { emptyFolder, heartwood, type Ended } from './heartwood.ts'
import { seedEnvironment as env } from './seed.ts'

const count = 1_200

interface Log {
  readonly cwd: string
  /** Runs a command in the folder. */
  run(...args: readonly string[]): Promise<Ended>
  /** Runs statements on the file, as somebody does who has no key. */
  sql(...statements: readonly string[]): Promise<void>
}

/** A database with an app, entries that are sealed, a checkpoint over them in a file, and two entries that are not sealed. */
async function newLog(t: TestContext): Promise<Log> {
  const cwd = emptyFolder(t)
  const filename = join(cwd, 'heartwood.db')
  const storage = await sqliteStorage({ filename })
  let ahead = 0
  const now = (): number => Date.now() + ahead
  const licensing = await createLicensing({ storage, masterKey, now, newKeyPair: keyPairSource() })
  licensing.on('audit.checkpoint', ({ data }) =>
    writeFileSync(join(cwd, 'checkpoint.txt'), `${data.checkpoint}\n`),
  )
  const { id } = await licensing.apps.create({ name: 'App', slug: 'desktop-app' })
  await addEntries(storage, newEntries(count, { appId: id }))
  await licensing.audit.seal()
  ahead = 3_600_000
  await licensing.audit.seal()
  await addEntries(storage, newEntries(2, {}, 90_000))
  await storage.close()
  const sql: Log['sql'] = async (...statements) => {
    const raw = await openRaw(filename)
    for (const statement of statements) await raw.run(statement)
    await raw.end()
  }
  return { cwd, sql, run: (...args) => heartwood(args, { cwd, env }) }
}

test('heartwood audit verify: says how many entries are whole, and how many are not sealed', async (t) => {
  const { run } = await newLog(t)
  const plain = await run('audit', 'verify', '--checkpoint', 'checkpoint.txt')
  assert.equal(plain.code, 0, plain.stderr)
  assert.match(
    plain.stdout,
    /^Verified \d+ entries, 1 to \d+\.\nThe log matches the checkpoint of desktop-app, entry \d+, [\d-]+T[\d:]+Z\.\n/,
  )
  assert.match(plain.stdout, /\nEntries that no seal protects yet: 2\.\n$/)
  const { stdout } = await run('audit', 'verify', '--json')
  const {
    valid,
    fault,
    unsealed,
    verified,
    last_seq: lastSeq,
    checkpoint,
  } = JSON.parse(stdout) as Record<string, unknown>
  assert.deepEqual([valid, fault, unsealed, verified, checkpoint], [true, null, 2, lastSeq, null])
})

test('heartwood audit verify: exits with 1 and the first bad entry, and so does the doctor', async (t) => {
  const { run, sql } = await newLog(t)
  await sql(
    "update heartwood_audit_entry set actor_label = 'nobody' where seq = 700",
    'delete from heartwood_audit_entry where seq = 900',
  )
  const plain = await run('audit', 'verify')
  assert.deepEqual([plain.code, plain.stdout.split('\n')[0]], [1, 'Verified 699 entries, 1 to 699.'])
  assert.match(plain.stderr, /^heartwood: Entry 700 is not as it was sealed[^\n]*\n$/)
  const { code, stdout } = await run('audit', 'verify', '--json')
  assert.equal(code, 1)
  assert.deepEqual((JSON.parse(stdout) as { fault: object }).fault, {
    seq: 700,
    code: 'entry_altered',
    reason: 'Entry 700 is not as it was sealed: somebody changed it, or put it there',
  })
  const doctor = await run('doctor')
  assert.equal(doctor.code, 1)
  assert.match(doctor.stdout, /^audit log is broken\. Entry 700 /m)
  assert.equal(`${plain.stdout}${plain.stderr}${doctor.stdout}`.includes('nobody'), false)
})

test('heartwood audit verify --checkpoint: shows a cut tail, which nothing else shows', async (t) => {
  const { run, sql } = await newLog(t)
  await sql(
    'delete from heartwood_audit_entry where seq > 1000',
    'delete from heartwood_unsealed_audit_entry',
    'update heartwood_audit_chain set seq = 1000, checkpoint_seq = 0, mac = (select mac from heartwood_audit_entry where seq = 1000)',
    'delete from heartwood_audit_checkpoint',
  )
  assert.equal((await run('audit', 'verify')).code, 0)
  const { code, stderr } = await run('audit', 'verify', '--checkpoint', 'checkpoint.txt')
  assert.equal(code, 1)
  assert.match(stderr, /^heartwood: The log ends before entry 1001, and the checkpoint covers that entry\n$/)
})

test('heartwood audit verify: needs the master key, an existing file and a checkpoint of this database', async (t) => {
  const { cwd, run } = await newLog(t)
  const other = Buffer.alloc(32, 9).toString('base64')
  const wrong = await heartwood(['audit', 'verify'], { cwd, env: { ...env, HEARTWOOD_MASTER_KEY: other } })
  assert.deepEqual([wrong.code, wrong.stdout], [1, ''])
  assert.match(wrong.stderr, /^heartwood: Wrong master key/)
  const missing = await run('audit', 'verify', '--checkpoint', 'none.txt')
  assert.match(missing.stderr, /^heartwood: Checkpoint none\.txt: there is no such file\n$/)
  writeFileSync(join(cwd, 'forged.txt'), 'secret-text')
  const forged = await run('audit', 'verify', '--checkpoint', 'forged.txt')
  assert.equal(forged.code, 1)
  assert.match(forged.stderr, /checkpoint/)
  assert.equal(forged.stderr.includes('secret-text'), false)
})

type Line = Readonly<Record<string, string | number | null>>

test('heartwood audit export: an auditor checks the checkpoint by the public key, the vendor each code', async (t) => {
  const { cwd, run } = await newLog(t)
  const { code, stdout, stderr } = await run('audit', 'export', 'audit.ndjson')
  assert.equal(code, 0, stderr)
  const texts = readFileSync(join(cwd, 'audit.ndjson'), 'utf8').trimEnd().split('\n')
  assert.match(stdout, new RegExp(`: ${texts.length} lines\\.\n$`))
  const lines = texts.map((text) => JSON.parse(text) as Line)
  const { checkpoint } = lines.at(-1)!
  assert.equal(checkpoint, readFileSync(join(cwd, 'checkpoint.txt'), 'utf8').trim())
  const pem = (await run('apps', 'public-key', 'desktop-app')).stdout
  const { payload } = await compactVerify(String(checkpoint), await importSPKI(pem, 'RS256'))
  const { seq, head } = JSON.parse(new TextDecoder().decode(payload)) as Line
  assert.equal(lines.find((line) => line['seq'] === seq)?.['mac'], head)
  // The rules of docs/audit.md, on the bytes of the file.
  const key = Buffer.from(
    hkdfSync('sha256', Buffer.from(masterKey, 'base64'), '', 'heartwood audit log v1', 32),
  )
  let mac = Buffer.alloc(32)
  const sealed = texts.slice(0, Number(seq))
  for (const text of sealed) {
    const covered = text.replace(/,"mac":"[\w-]{43}"\}$/, '}')
    mac = createHmac('sha256', key).update(mac).update(covered).digest()
    assert.equal((JSON.parse(text) as Line)['mac'], mac.toString('base64url'))
  }
  assert.equal(lines.filter((line) => line['id'] !== undefined && line['seq'] === null).length, 2)
  const piped = await run('audit', 'export', '-')
  assert.equal(piped.stdout, `${texts.join('\n')}\n`)
  assert.equal((await run('audit', 'export', 'audit.ndjson')).code, 1)
})

test('heartwood export and import: the copy verifies, and a changed log is refused', async (t) => {
  const { run, sql } = await newLog(t)
  assert.equal((await run('export', 'all.ndjson')).code, 0)
  const imported = await run('import', 'all.ndjson', '--database', 'copy.db')
  assert.equal(imported.code, 0, imported.stderr)
  const [here, there] = [
    await run('audit', 'export', '-'),
    await run('audit', 'export', '-', '--database', 'copy.db'),
  ]
  assert.equal(there.stdout, here.stdout)
  const verified = await run('audit', 'verify', '--checkpoint', 'checkpoint.txt', '--database', 'copy.db')
  assert.equal(verified.code, 0, verified.stderr)
  await sql("update heartwood_audit_entry set mode = 'test' where seq = 5")
  await run('export', 'changed.ndjson')
  const refused = await run('import', 'changed.ndjson', '--database', 'other.db')
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /audit log is broken\. Entry 5 /)
})

test('heartwood rekey: the log verifies with the new master key alone', async (t) => {
  const { cwd, run } = await newLog(t)
  const fresh = Buffer.alloc(32, 5).toString('base64')
  const both = { ...env, HEARTWOOD_MASTER_KEY: `${fresh},${masterKey}` }
  const rekeyed = await heartwood(['rekey', '--json'], { cwd, env: both })
  assert.equal((JSON.parse(rekeyed.stdout) as { audit_chain: number }).audit_chain, 1)
  const verified = await heartwood(['audit', 'verify', '--checkpoint', 'checkpoint.txt'], {
    cwd,
    env: { ...env, HEARTWOOD_MASTER_KEY: fresh },
  })
  assert.equal(verified.code, 0, verified.stderr)
  assert.equal((await run('audit', 'verify')).code, 1)
})
