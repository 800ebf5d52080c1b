import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { copyFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openConnection } from '../../src/storage/sqlite/connection.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { sell } from '../core/license-keys/sale.ts'
import { installation, masterKey, newShop, otherMasterKey } from '../support/fixtures.ts'
import { emptyFolder, heartwood } from './heartwood.ts'
import { seed, seedEnvironment as env } from './seed.ts'

interface Report {
  readonly ok: boolean
  readonly checked: Readonly<Record<string, number>>
  readonly findings: readonly { readonly where: string; readonly what: string }[]
  readonly notes: readonly { readonly where: string; readonly what: string }[]
}

async function seeded(t: TestContext): Promise<string> {
  const cwd = emptyFolder(t)
  const storage = await sqliteStorage({ filename: join(cwd, 'heartwood.db') })
  await seed(storage, 30)
  await storage.close()
  return cwd
}

/** Damages a copy of the database in a way that Heartwood never does, and runs doctor on it. */
async function doctorAfter(cwd: string, sql: string): Promise<Report> {
  copyFileSync(join(cwd, 'heartwood.db'), join(cwd, 'broken.db'))
  const connection = await openConnection(join(cwd, 'broken.db'), { readonly: false })
  connection.exec(`pragma foreign_keys = off; ${sql}`)
  connection.close()
  const { code, stdout, stderr } = await heartwood(['doctor', '--json', '--database', 'broken.db'], {
    cwd,
    env,
  })
  const report = JSON.parse(stdout) as Report
  assert.equal(code, report.ok ? 0 : 1, stderr)
  assert.doesNotMatch(stdout + stderr, /PRIVATE KEY|v1\.\w+\./)
  return report
}

const active = `accepted_until is null and app_id = (select id from heartwood_app where slug = 'desktop-app')`
const someLicense = `id = (select max(id) from heartwood_license where current = 1 and revoked_at is null)`

const someSeat = 'license_key_id is not null'

const faults: Readonly<Record<string, readonly [sql: string, where: RegExp, what: RegExp]>> = {
  'no active key': [
    `delete from heartwood_signing_key where ${active}`,
    /^app app_/,
    /^has 0 active signing keys, not one$/,
  ],
  'a statement that was changed': [
    `update heartwood_key_statement set payload = replace(payload, '"revoked":[]', '"revoked":[ ]') where seq = 2`,
    /^statement 2 of app app_/,
    /^cannot be read, or is not signed by the key that it names$/,
  ],
  'a statement with the signatures of another': [
    `update heartwood_key_statement set signatures = (select signatures from heartwood_key_statement
       where seq = 3) where seq = 2`,
    /^statement 2 of app app_/,
    /^cannot be read/,
  ],
  'a statement whose signatures are no JSON': [
    `update heartwood_key_statement set signatures = 'none' where seq = 2`,
    /^statement 2 of app app_/,
    /^cannot be read/,
  ],
  'a statement with a signature that is null': [
    `update heartwood_key_statement set signatures = '[' || json_extract(signatures, '$[1]') || ',null]' where seq = 3`,
    /^statement 3 of app app_/,
    /^is signed neither by the key before it nor by enough recovery keys$/,
  ],
  'a statement without the signature of the key before it': [
    `update heartwood_key_statement set signatures = '[' || json_extract(signatures, '$[1]') || ']' where seq = 3`,
    /^statement 3 of app app_/,
    /^is signed neither by the key before it nor by enough recovery keys$/,
  ],
  'a missing first statement': [
    `delete from heartwood_key_statement where seq = 1`,
    /^statement 2 of app app_/,
    /^does not follow the statement before it$/,
  ],
  'a missing last statement': [
    `delete from heartwood_key_statement where seq = 3`,
    /^app app_/,
    /^has statements that do not lead to its active signing key; programs that were built .* need an update$/,
  ],
  'recovery keys without a statement': [
    `update heartwood_app set recovery = '{"threshold":1,"kids":["${'A'.repeat(43)}"]}'`,
    /^app app_/,
    /^has other recovery keys than its last statement$/,
  ],
  'an altered sealed key': [
    `update heartwood_signing_key set private_key = substr(private_key, 1, 90) || 'AAAA' || substr(private_key, 95) where ${active}`,
    /^signing key /,
    /^does not open/,
  ],
  'the sealed key of another app': [
    `update heartwood_signing_key set private_key = (select private_key from heartwood_signing_key
       where app_id = (select id from heartwood_app where slug = 'trial')) where ${active}`,
    /^signing key /,
    /^does not open/,
  ],
  'the public half of another key': [
    `update heartwood_signing_key set public_key_pem = (select public_key_pem from heartwood_signing_key
       where app_id = (select id from heartwood_app where slug = 'trial')) where ${active}`,
    /^signing key /,
    /^(is not named by the thumbprint|has halves that do not belong together)/,
  ],
  'a kid that is not the thumbprint': [
    `update heartwood_signing_key set kid = 'inBb-o2Kd_MU-vnxPXE2OgrwCWYXSKgZEMN3pCvkuzX' where ${active}`,
    /^signing key /,
    /^is not named by the thumbprint/,
  ],
  'an altered token secret': [
    `update heartwood_app set token_secret = substr(token_secret, 1, 60) || 'AAAA' where slug = 'desktop-app'`,
    /^app app_/,
    /^has a token secret that does not open/,
  ],
  'two licenses in one installation slot': [
    `drop index heartwood_license_current; update heartwood_license set installation_id =
       (select installation_id from heartwood_license where ${someLicense}) where current = 1`,
    /^license lic_/,
    /^shares the place/,
  ],
  'a missing customer': [
    `delete from heartwood_customer where id = (select customer_id from heartwood_license where ${someLicense})`,
    /^license lic_/,
    /^is of a customer that its app does not have$/,
  ],
  'a missing tier': [
    `update heartwood_license set tier_id = 'tier_01h2xcejqtf2nbrexx3vqjhp41' where ${someLicense}`,
    /^license lic_/,
    /^is of a tier that its app does not have$/,
  ],
  'a revision below the minimum': [
    `update heartwood_license set min_revision = revision + 1 where ${someLicense}`,
    /^license lic_/,
    /^has a revision below/,
  ],
  'a cause of a revocation without a revocation': [
    `update heartwood_license set revoked_cause = 'lapsed' where ${someLicense}`,
    /^license lic_/,
    /^has a cause of a revocation without one$/,
  ],
  'a half of a last sign of life': [
    `update heartwood_license set seen_at = 1, seen_kid = null where ${someLicense}`,
    /^license lic_/,
    /^has a half of its last sign of life only$/,
  ],
  'an active license without its installation slot': [
    `update heartwood_license set current = 0, expires_at = null where ${someLicense}`,
    /^license lic_/,
    /^is active without the place/,
  ],
  'a seat of a license key that is not there': [
    `delete from heartwood_license_key`,
    /^license lic_/,
    /^is a seat of a license key that its app does not have$/,
  ],
  'a taken seat without its installation slot': [
    `update heartwood_license set current = 0 where ${someSeat}`,
    /^license lic_/,
    /^is a taken seat without the place of its installation$/,
  ],
  'a taken seat of a revoked license key': [
    `update heartwood_license_key set revoked_at = 1`,
    /^license lic_/,
    /^is a taken seat of a revoked license key$/,
  ],
  'a seat with other features than its license key': [
    `update heartwood_license set custom_features = '["other"]' where ${someSeat}`,
    /^license lic_/,
    /^differs from its license key$/,
  ],
  'a seat that ends later than its license key': [
    `update heartwood_license set expires_at = null where ${someSeat}`,
    /^license lic_/,
    /^ends later than its license key$/,
  ],
  'a license key of a missing customer': [
    `delete from heartwood_customer where id = (select customer_id from heartwood_license_key)`,
    /^license key lkey_/,
    /^is of a customer that its app does not have$/,
  ],
  'a license key of a missing tier': [
    `update heartwood_license_key set tier_id = 'tier_01h2xcejqtf2nbrexx3vqjhp41'`,
    /^license key lkey_/,
    /^is of a tier that its app does not have$/,
  ],
  'a license key that starts with an activation, without a duration': [
    `update heartwood_license_key set starts = 'activation'`,
    /^license key lkey_/,
    /^starts with its first activation, and has no duration$/,
  ],
  'an altered webhook secret': [
    `update heartwood_webhook set secret = substr(secret, 1, 60) || 'AAAA'`,
    /^app app_/,
    /^has a webhook secret that does not open/,
  ],
  'a pending delivery without a due time': [
    `update heartwood_delivery set due_at = null`,
    /^delivery whd_/,
    /^is due without being pending/,
  ],
  'a stored response under another key': [
    `insert into heartwood_kept_answer values ('key_1', 'k', 'f', 'v1.a.b.c', 9999999999)`,
    /^kept answer of key_1$/,
    /^does not open/,
  ],
  'an API key bound to another app': [
    `update heartwood_api_key set app = 'trial' where app is not null`,
    /^API key key_/,
    /^is bound to an app/,
  ],
  'a scoped API key without its scopes': [
    `update heartwood_api_key set scopes = null where scopes is not null`,
    /^API key key_/,
    /^has lost its scopes/,
  ],
  'an API key with scopes and the type of another': [
    `update heartwood_api_key set type = 'sk' where scopes is not null`,
    /^API key key_/,
    /^has scopes, but not the type/,
  ],
  'a pk key that may write': [
    `update heartwood_api_key set type = 'scoped_pk' where scopes is not null`,
    /^API key key_/,
    /^is a pk key with scopes that write/,
  ],
  'an API key with an unknown scope': [
    `update heartwood_api_key set scopes = '["everything"]' where scopes is not null`,
    /^API key key_/,
    /^is refused by an import/,
  ],
  'an id that is no UUID': [
    `update heartwood_license set id = 'lic_00000000000000000000000001' where ${someLicense}`,
    /^license lic_00000000000000000000000001$/,
    /^is refused by an import \(id must be [^)]+\): export the database, replace the id everywhere, for example by lic_0000000000e008000000000001, in the file, and import/,
  ],
  'an app id that is no UUID': [
    `update heartwood_app set id = 'app_00000000000000000000000001' where slug = 'trial'`,
    /^app app_00000000000000000000000001$/,
    /its keys are sealed under this id, so create another app/,
  ],
  'a record that an import refuses': [
    `update heartwood_customer set name = printf('%.300c', 'x')`,
    /^customer cus_/,
    /^is refused by an import \(name must be [^)]+\): export the database, correct the record in the file/,
  ],
  'a wrong folded e-mail': [
    `update heartwood_customer set folded_email = 'X' || folded_email`,
    /^customer cus_/,
    /^is not found by its e-mail/,
  ],
}

test('heartwood doctor: finds no problem in a good database and changes no byte', async (t) => {
  const cwd = await seeded(t)
  const bytes = () =>
    createHash('sha256')
      .update(readFileSync(join(cwd, 'heartwood.db')))
      .digest('hex')
  const before = bytes()
  const { code, stdout, stderr } = await heartwood(['doctor'], { cwd, env })
  assert.deepEqual(
    [code, stdout, stderr],
    [0, 'Checked 94 records, including 30 licenses. Problems found: 0.\n', ''],
  )
  assert.equal(bytes(), before)
  assert.deepEqual(readdirSync(cwd), ['heartwood.db'])
})

test('heartwood doctor: finds every fault, names its id, and exits with 1', async (t) => {
  const cwd = await seeded(t)
  for (const [fault, [sql, where, what]] of Object.entries(faults)) {
    const { findings } = await doctorAfter(cwd, sql)
    const found = findings.some((finding) => where.test(finding.where) && what.test(finding.what))
    assert.equal(found, true, `${fault}: ${JSON.stringify(findings.slice(0, 3))}`)
  }
})

test('heartwood doctor: finds no problem in licenses that a server issued with its clock a day ahead', async (t) => {
  const { findings } = await doctorAfter(
    await seeded(t),
    `update heartwood_license set issued_at = unixepoch() + 86400`,
  )
  assert.deepEqual(findings, [])
})

test('heartwood doctor: notes a license key with more taken seats than were sold, and finds no problem', async (t) => {
  const cwd = emptyFolder(t)
  const storage = await sqliteStorage({ filename: join(cwd, 'heartwood.db') })
  const shop = await newShop({ storage })
  const { licenseKeys } = shop.licensing
  const { id, key } = await sell(shop, { seats: 2 })
  for (const number of [1, 2])
    await licenseKeys.activate('desktop-app', key, { installationId: installation(number) })
  await licenseKeys.update('desktop-app', id, { seats: 1 })
  await storage.close()
  const options = { cwd, env: { HEARTWOOD_MASTER_KEY: masterKey } }
  const told = await heartwood(['doctor'], options)
  assert.equal(told.code, 0, told.stdout)
  const note = 'has 2 taken seats of 1, so the vendor has lowered their number'
  assert.ok(told.stdout.startsWith(`license key ${id} ${note}\nChecked `), told.stdout)
  const { ok, notes } = JSON.parse((await heartwood(['doctor', '--json'], options)).stdout) as Report
  assert.deepEqual([ok, notes], [true, [{ where: `license key ${id}`, what: note }]])
})

test('heartwood doctor: tells a wrong key, an older version and a newer version apart', async (t) => {
  const cwd = await seeded(t)
  const other = await heartwood(['doctor', '--json'], { cwd, env: { HEARTWOOD_MASTER_KEY: otherMasterKey } })
  assert.equal(other.code, 1)
  assert.deepEqual((JSON.parse(other.stdout) as Report).findings, [
    { where: 'master key', what: 'is not the one that this database was sealed with' },
  ])
  const connection = await openConnection(join(cwd, 'heartwood.db'), { readonly: false })
  connection.exec(`insert into heartwood_migration values ('9999-tomorrow', '')`)
  const newer = await heartwood(['doctor'], { cwd, env })
  assert.deepEqual(
    [newer.code, newer.stderr],
    [1, 'heartwood: The database is from a newer version of Heartwood\n'],
  )
  connection.exec('delete from heartwood_migration')
  connection.close()
  const older = await heartwood(['doctor'], { cwd, env })
  assert.match(
    older.stderr,
    /^heartwood: heartwood\.db is at an older version: run heartwood migrate [^\n]+\n$/,
  )
  const missing = await heartwood(['doctor', '--database', 'nowhere.db'], { cwd, env })
  assert.match(missing.stderr, /^heartwood: There is no database nowhere\.db/)
})
