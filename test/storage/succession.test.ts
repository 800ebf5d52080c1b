import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import {
  recoveryKeyId,
  signWithRecoveryKey,
  type Licensing,
  type Recover,
  type Storage,
  type StorageSession,
} from '../../src/core/index.ts'
import { chainFaults } from '../../src/cli/doctor/chain-faults.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { codeOf, newWorld, risingIds } from '../support/fixtures.ts'
import { keyPairSource, recoveryKeys, testKeyPairs } from '../support/keys.ts'
import { noPostgres, openTestDatabase } from './postgres-database.ts'
import { withFiles } from './temporary-folder.ts'
import { openTarget } from './two-servers.ts'

const database = await openTestDatabase()
after(() => database?.drop())

const slug = 'desktop-app'
const { privateKeyPem } = recoveryKeys[0]!
const recover: Recover = async (payload) => [await signWithRecoveryKey(payload, privateKeyPem)]
const recovery = { threshold: 1, kids: [await recoveryKeyId(privateKeyPem)] }

/** Everything about the keys of the app. */
async function stateOf(storage: Storage): Promise<object> {
  const app = (await storage.findApp(slug))!
  const keys = await storage.listSigningKeys(app.id)
  return { recovery: app.recovery, keys, statements: await storage.listKeyStatements(app.id) }
}

/** The chain is whole, and it leads to the active key. Resolves to the number of its statements. */
async function wholeChain(storage: Storage): Promise<number> {
  const app = (await storage.findApp(slug))!
  const statements = await storage.listKeyStatements(app.id)
  const keys = await storage.listSigningKeys(app.id)
  assert.deepEqual(await chainFaults(app, statements, keys), [])
  assert.equal(keys.filter(({ privateKey }) => privateKey !== null).length, 1)
  return statements.length
}

async function kidInGrace({ apps }: Licensing): Promise<string> {
  return (await apps.keys(slug)).find(({ state }) => state === 'in_grace')!.kid
}

/** A storage whose transactions fail at the write with this number. `fails` is false if there were fewer. */
function failingAt(
  inner: Storage,
  number: number,
): { readonly storage: Storage; readonly fails: () => boolean } {
  let hasFailed = false
  const counted = (tx: StorageSession): StorageSession => {
    let writes = 0
    return new Proxy(tx, {
      get(target, name) {
        const verb: unknown = Reflect.get(target, name)
        if (typeof verb !== 'function' || /^(?:find|list)/.test(String(name))) return verb
        return async (...given: readonly unknown[]) => {
          const outcome = (await verb.call(target, ...given)) as unknown
          if (++writes !== number) return outcome
          hasFailed = true
          throw new Error('the server dies')
        }
      },
    })
  }
  const storage = Object.assign(Object.create(inner) as Storage, {
    transaction: <T>(work: (tx: StorageSession) => Promise<T>, options?: object) =>
      inner.transaction((tx) => work(counted(tx)), options),
  })
  return { storage, fails: () => hasFailed }
}

const cases: Readonly<Record<string, (storage: Storage) => Promise<void>>> = {
  'of rotations, a recovery set and a revocation at once, each statement has one writer': async (storage) => {
    const shared = { newKeyPair: keyPairSource(), newId: risingIds() }
    const { licensing } = await newWorld({ storage, ...shared })
    const { licensing: other } = await newWorld({ storage, ...shared })
    await licensing.apps.create({ name: 'My Desktop App', slug })
    const first = await Promise.all([
      codeOf(licensing.rotateKeys(slug)),
      codeOf(other.rotateKeys(slug)),
      codeOf(licensing.recovery.set(slug, recovery, recover)),
      codeOf(other.recovery.set(slug, recovery, recover)),
    ])
    assert.ok(
      first.every((code) => ['ok', 'conflict', 'recovery_required'].includes(code)),
      `${first}`,
    )
    const won = first.filter((code) => code === 'ok').length
    assert.equal(await wholeChain(storage), 1 + won)
    if ((await storage.findApp(slug))!.recovery === null)
      await licensing.recovery.set(slug, recovery, recover)
    if (won < 2) await licensing.rotateKeys(slug)
    const retired = (await licensing.apps.keys(slug)).filter(({ state }) => state === 'retired')
    const before = await wholeChain(storage)
    const kids = retired.map(({ kid }) => kid)
    const second = await Promise.all([
      ...(kids.length === 0 ? [] : [codeOf(licensing.recovery.revoke(slug, kids, recover))]),
      codeOf(other.rotateKeys(slug, { compromised: true, recover })),
      codeOf(licensing.recovery.set(slug, recovery, recover)),
    ])
    assert.ok(second.includes('ok') && second.every((code) => ['ok', 'conflict'].includes(code)), `${second}`)
    assert.equal(await wholeChain(storage), before + second.filter((code) => code === 'ok').length)
  },

  'a failure at each write leaves keys and statements as they were': async (storage) => {
    const shared = { newKeyPair: keyPairSource(), newId: risingIds() }
    const { licensing } = await newWorld({ storage, ...shared })
    await licensing.apps.create({ name: 'My Desktop App', slug, webhookUrl: 'https://example.com/hook' })
    const works = [
      (one: typeof licensing) => one.rotateKeys(slug, {}, testKeyPairs[1]),
      (one: typeof licensing) => one.recovery.set(slug, recovery, recover),
      (one: typeof licensing) => one.rotateKeys(slug, { gracePeriodDays: 5 }, testKeyPairs[2]),
      async (one: typeof licensing) => one.recovery.revoke(slug, [await kidInGrace(one)], recover),
      (one: typeof licensing) => one.rotateKeys(slug, { compromised: true, recover }, testKeyPairs[3]),
    ]
    for (const work of works) {
      const before = await stateOf(storage)
      let faults = 0
      for (let number = 1; ; number++) {
        const fragile = failingAt(storage, number)
        const { licensing: failing } = await newWorld({ storage: fragile.storage, ...shared })
        const outcome = await work(failing).then(
          () => 'ok',
          (error: unknown) => String(error),
        )
        if (!fragile.fails()) {
          assert.equal(outcome, 'ok')
          break
        }
        faults++
        assert.match(outcome, /the server dies/)
        assert.deepEqual(await stateOf(storage), before)
      }
      assert.ok(faults >= 2, 'the write of the key or the app, and that of the event')
      await wholeChain(storage)
    }
    assert.equal(await wholeChain(storage), 6)
  },
}

async function run(storage: Storage, work: (storage: Storage) => Promise<void>): Promise<void> {
  try {
    await work(storage)
  } finally {
    await storage.close()
  }
}

for (const [name, work] of Object.entries(cases)) {
  describe(`succession: ${name}`, () => {
    it('in memory', () => run(memoryStorage(), work))

    it('on SQLite', () => withFiles(async (nextFile) => run(await openTarget(nextFile()), work)))

    it('on PostgreSQL', { skip: database === undefined && noPostgres }, async () =>
      run(await openTarget(await database!.emptied()), work),
    )
  })
}
