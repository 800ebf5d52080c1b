import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { withNewKeys } from '../../src/cli/recovery.ts'
import {
  LicensingError,
  recoveryKeyId,
  signWithRecoveryKey,
  type KeyStatement,
  type Recover,
  type RecoverySet,
  type TrustFile,
} from '../../src/core/index.ts'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { recoveryKeys, testKeyPairs } from '../support/keys.ts'
import { emptyFolder, heartwood, whenAllIsOver, type Ended } from './heartwood.ts'
import { seed, seededApp, seedLicensing, seedEnvironment as env } from './seed.ts'

let cwd: string
const disposer = whenAllIsOver(after)
before(async () => {
  cwd = emptyFolder(disposer)
  const storage = await sqliteStorage({ filename: join(cwd, 'heartwood.db') })
  await seed(storage, 5)
  await storage.close()
  writeFileSync(join(cwd, 'foreign.pem'), recoveryKeys[2]!.privateKeyPem)
})

function apps(...args: readonly string[]): Promise<Ended> {
  return heartwood(['apps', ...args], { cwd, env })
}

async function lastStatement(): Promise<KeyStatement> {
  const { stdout } = await apps('trust', seededApp)
  const { statements } = JSON.parse(stdout) as TrustFile
  return JSON.parse(Buffer.from(statements.at(-1)!.payload, 'base64url').toString()) as KeyStatement
}

async function refusal(...args: readonly string[]): Promise<string> {
  const { code, stderr } = await apps(...args)
  assert.equal(code, 1)
  return stderr
}

test('heartwood apps recovery: two of two keys lead past a thief, then revoke an earlier key', async () => {
  const [one, two] = ['one.pem', 'two.pem']
  const created = await apps('recovery', 'create', seededApp, '--out', one, '--out', two, '--threshold', '2')
  assert.equal(created.code, 0, created.stderr)
  for (const file of [one, two]) {
    assert.equal(statSync(join(cwd, file)).mode & 0o777, 0o600)
    assert.match(readFileSync(join(cwd, file), 'utf8'), /^-----BEGIN PRIVATE KEY-----\n/)
  }
  assert.doesNotMatch(created.stdout + created.stderr, /PRIVATE KEY/)
  const { recovery, seq, key } = await lastStatement()
  assert.deepEqual([recovery?.threshold, recovery?.kids.length, seq], [2, 2, 4])

  const rotate = ['rotate-keys', seededApp, '--compromised']
  const command = /a recovery key of the app must sign this: run heartwood apps rotate-keys SLUG/i
  assert.match(await refusal(...rotate), command)
  assert.match(await refusal(...rotate, '--recovery-key', one), /not those of 2 recovery keys/)
  assert.match(
    await refusal(...rotate, '--recovery-key', one, '--recovery-key', 'foreign.pem'),
    /not those of 2 recovery keys/,
  )
  assert.match(await refusal(...rotate, '--recovery-key', 'none.pem'), /none\.pem: there is no such file/)
  const both = ['--recovery-key', one, '--recovery-key', two]
  const rotated = await apps(...rotate, ...both)
  assert.equal(rotated.code, 0, rotated.stderr)
  const after = await lastStatement()
  assert.equal(after.revoked.length, 1)
  assert.notDeepEqual(after.key, key)

  const retired = Object.keys(after.retired).find((kid) => kid !== after.revoked[0])!
  const revoked = await apps('recovery', 'revoke', seededApp, `--kid=${retired}`, ...both)
  assert.equal(revoked.stdout, `Statement 6 of ${seededApp} revokes ${retired}.\n`, revoked.stderr)
  assert.deepEqual((await lastStatement()).revoked, [retired])
  assert.equal((await heartwood(['doctor'], { cwd, env })).code, 0)
})

/** Runs SQL on the statements of the app `trial`. */
async function changeStatements(sql: string): Promise<void> {
  const connection = await openConnection(join(cwd, 'heartwood.db'), { readonly: false })
  connection.exec(`${sql} and app_id = (select id from heartwood_app where slug = 'trial')`)
  connection.close()
}

/** Rotates the keys of the app `trial` as a server without statements does: its statement is lost. */
async function rotateWithoutStatement(pair: number, recovery?: RecoverySet): Promise<void> {
  const storage = await sqliteStorage({ filename: join(cwd, 'heartwood.db') })
  const licensing = await seedLicensing(storage)
  const sign: Recover = async (payload) => [
    await signWithRecoveryKey(payload, recoveryKeys[0]!.privateKeyPem),
  ]
  if (recovery !== undefined) await licensing.recovery.set('trial', recovery, sign)
  await licensing.rotateKeys('trial', {}, testKeyPairs[pair])
  await storage.close()
  await changeStatements(`delete from heartwood_key_statement where seq > ${recovery === undefined ? 1 : 2}`)
}

test('heartwood apps recovery mend: leads over the gap that a server without statements left', async () => {
  const { privateKeyPem } = recoveryKeys[0]!
  writeFileSync(join(cwd, 'trial.pem'), privateKeyPem)
  const mend = ['recovery', 'mend', 'trial', '--recovery-key', 'trial.pem']
  const gap = async () => (await heartwood(['doctor'], { cwd, env })).stdout
  assert.match(await refusal(...mend), /lead to its active signing key already/)
  await rotateWithoutStatement(4)
  assert.match(await refusal(...mend), /has no recovery key, and nothing else can sign/)
  assert.match(await gap(), /do not lead to its active signing key; programs that were built/)
  // The chain begins again with the active key.
  await changeStatements('delete from heartwood_key_statement where seq > 0')
  await rotateWithoutStatement(5, { threshold: 1, kids: [await recoveryKeyId(privateKeyPem)] })
  assert.match(await gap(), /do not lead to its active signing key; heartwood apps recovery mend leads/)
  const mended = await apps(...mend)
  assert.equal(mended.stdout, 'Statement 3 of trial leads to its active signing key.\n', mended.stderr)
  assert.equal((await heartwood(['doctor'], { cwd, env })).code, 0)
  assert.match(await refusal(...mend), /already/)
})

test('heartwood apps recovery create: never overwrites, and leaves no useless key behind', async () => {
  writeFileSync(join(cwd, 'taken.pem'), 'kept')
  assert.match(
    await refusal('recovery', 'create', 'trial', '--out', 'taken.pem'),
    /taken\.pem: it already exists/,
  )
  assert.equal(readFileSync(join(cwd, 'taken.pem'), 'utf8'), 'kept')
  assert.match(
    await refusal('recovery', 'create', 'trial', '--out', 'lone.pem', '--threshold', '2'),
    /--threshold must be at most the number of --out/,
  )
  assert.throws(() => statSync(join(cwd, 'lone.pem')), /ENOENT/)
  assert.match(await refusal('recovery', 'create', 'nowhere', '--out', 'lone.pem'), /App not found/)
})

test('heartwood apps recovery create: keeps the keys if the database may have kept them too', async () => {
  const files = [join(cwd, 'perhaps.pem')]
  const lost = withNewKeys(files, () => Promise.reject(new Error('Connection terminated')))
  await assert.rejects(
    lost,
    /^CliError: Connection terminated\. Keep .*perhaps\.pem until heartwood apps trust/,
  )
  assert.match(readFileSync(files[0]!, 'utf8'), /^-----BEGIN PRIVATE KEY-----\n/)
  const refused = [join(cwd, 'never.pem')]
  const conflict = new LicensingError('conflict', 'Another was faster')
  await assert.rejects(
    withNewKeys(refused, () => Promise.reject(conflict)),
    /Another was faster/,
  )
  assert.throws(() => statSync(refused[0]!), /ENOENT/)
})

test('heartwood licenses file: prints the armoured text', async () => {
  const listed = await heartwood(['licenses', 'list', '--app', seededApp, '--status', 'active', '--json'], {
    cwd,
    env,
  })
  const [{ id } = { id: '' }] = JSON.parse(listed.stdout) as readonly { readonly id: string }[]
  const { stdout } = await heartwood(['licenses', 'file', id, '--app', seededApp], { cwd, env })
  assert.match(
    stdout,
    /^-----BEGIN HEARTWOOD LICENSE-----\n([\w+/=]{1,64}\n)+-----END HEARTWOOD LICENSE-----\n$/,
  )
})
