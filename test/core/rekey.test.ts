import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Licensing, MasterKey, RekeyResult, Storage, StorageSession } from '../../src/core/index.ts'
import { memoryStorage } from '../../src/storage/memory.ts'
import { sqliteStorage } from '../../src/storage/sqlite.ts'
import { testKeyPairs } from '../support/keys.ts'
import { withFiles } from '../storage/temporary-folder.ts'
import {
  codeOf,
  masterKey,
  newShop,
  newWorld,
  otherMasterKey,
  refusalOf,
  risingIds,
} from '../support/fixtures.ts'

const [oldKey, newKey] = [masterKey, otherMasterKey]
const nothing: RekeyResult = {
  tokenSecrets: 0,
  signingKeys: 0,
  webhooks: 0,
  storedResponses: 0,
  auditChain: 0,
  keyCheck: false,
}
const everything: RekeyResult = {
  tokenSecrets: 2,
  signingKeys: 2,
  webhooks: 1,
  storedResponses: 150,
  auditChain: 0,
  keyCheck: true,
}
const request = { scope: 'key_1', fingerprint: 'f' }

/** Tokens and secrets that people hold. A change of the master key must not change them. */
interface Known {
  readonly token: string | null
  readonly secret: string
  readonly answer: object
}

let servers = 0

/** Each server has ids of its own, because each writes entries of the audit log. */
async function startedWith(storage: Storage, key: MasterKey): Promise<Licensing> {
  const newId = risingIds(100_000 * ++servers)
  return (await newWorld({ storage, masterKey: key, newId })).licensing
}

async function known(licensing: Licensing, licenseId: string): Promise<Known> {
  const { secret } = await licensing.webhooks.secret('desktop-app')
  const again = () => assert.fail('the kept answer is gone')
  const { result: answer } = await licensing.idempotent({ ...request, key: 'k149' }, async () => again())
  return { token: await licensing.licenses.token('desktop-app', licenseId), secret, answer }
}

/** Two apps, a webhook in the middle of a roll, and more than one page of stored responses, all under the old key. */
async function fill(storage: Storage): Promise<string> {
  const { licensing, issue } = await newShop({ storage, masterKey: oldKey })
  await licensing.apps.create({ name: 'Second', slug: 'second' })
  await licensing.webhooks.rollSecret('desktop-app')
  for (let at = 0; at < 150; at++)
    await licensing.idempotent({ ...request, key: `k${at}` }, async () => ({ at }))
  return (await issue()).id
}

/** The storage, with a call before each of its transactions. */
function before(storage: Storage, act: (transaction: number) => unknown): Storage {
  let count = 0
  return Object.assign(Object.create(storage) as Storage, {
    transaction: async <T>(work: (tx: StorageSession) => Promise<T>): Promise<T> => {
      await act(++count)
      return storage.transaction(work)
    },
  })
}

const storages: Readonly<Record<string, (work: (storage: Storage) => Promise<void>) => Promise<void>>> = {
  memory: (work) => work(memoryStorage()),
  SQLite: (work) =>
    withFiles(async (nextFile) => {
      const storage = await sqliteStorage({ filename: nextFile() })
      await work(storage).finally(() => storage.close())
    }),
}

for (const [name, on] of Object.entries(storages)) {
  test(`rekey(): on ${name} the new key alone opens everything unchanged, and the old key nothing`, () =>
    on(async (storage) => {
      const id = await fill(storage)
      const before = await known(await startedWith(storage, oldKey), id)
      const both = await startedWith(storage, [newKey, oldKey])
      assert.deepEqual(await both.rekey(), everything)
      assert.equal(await codeOf(startedWith(storage, oldKey)), 'master_key')
      const after = await startedWith(storage, newKey)
      assert.deepEqual(await known(after, id), before)
      assert.deepEqual(await both.rekey(), nothing)
      assert.deepEqual(await after.rekey(), nothing)
    }))

  test(`rekey(): on ${name} an interrupted rekey leaves secrets that both keys open, and resumes`, () =>
    on(async (storage) => {
      const id = await fill(storage)
      const asBefore = await known(await startedWith(storage, oldKey), id)
      for (let deaths = 0; ; deaths++) {
        const dying = before(storage, (transaction) => {
          if (transaction === 2) throw new Error('dead')
        })
        const rekeyed = await (await startedWith(dying, [newKey, oldKey])).rekey().catch(() => null)
        assert.deepEqual(await known(await startedWith(storage, [newKey, oldKey]), id), asBefore)
        assert.deepEqual(await known(await startedWith(storage, [oldKey, newKey]), id), asBefore)
        if (rekeyed !== null) {
          assert.equal(deaths > 1, true)
          break
        }
        assert.equal(await codeOf(startedWith(storage, newKey)), 'master_key', 'the check record comes last')
        assert.equal(deaths < 10, true)
      }
      assert.deepEqual(await known(await startedWith(storage, newKey), id), asBefore)
    }))

  test(`rekey(): on ${name} two concurrent rekeys share the work`, () =>
    on(async (storage) => {
      const id = await fill(storage)
      const both = await Promise.all([1, 2].map(() => startedWith(storage, [newKey, oldKey])))
      const done = await Promise.all(both.map((licensing) => licensing.rekey()))
      for (const kind of ['tokenSecrets', 'signingKeys', 'webhooks', 'storedResponses'] as const)
        assert.equal(done[0]![kind] + done[1]![kind], everything[kind], kind)
      assert.equal(done.filter(({ keyCheck }) => keyCheck).length, 1)
      await known(await startedWith(storage, newKey), id)
    }))
}

const meanwhile: Readonly<Record<string, (server: Licensing) => Promise<unknown>>> = {
  'a rotation': (server) => server.rotateKeys('desktop-app', { gracePeriodDays: 1 }, testKeyPairs[4]),
  'a roll of the webhook secret': (server) => server.webhooks.rollSecret('desktop-app'),
  'the deletion of an app': (server) => server.apps.delete('second'),
  'a new app': (server) => server.apps.create({ name: 'Third', slug: 'third' }),
  'a stored response': (server) => server.idempotent({ ...request, key: 'k9' }, async () => ({})),
}

for (const [what, act] of Object.entries(meanwhile))
  test(`rekey(): keeps ${what} that falls between its reading and its writing`, async () => {
    const storage = memoryStorage()
    const id = await fill(storage)
    const server = await startedWith(storage, [newKey, oldKey])
    const rekeying = await startedWith(
      before(storage, (transaction) => (transaction === 1 ? act(server) : undefined)),
      [newKey, oldKey],
    )
    await rekeying.rekey()
    const seenByServer = await known(server, id)
    const fresh = await startedWith(storage, newKey)
    assert.deepEqual(await known(fresh, id), seenByServer)
    assert.deepEqual((await fresh.apps.list()).data, (await server.apps.list()).data)
  })

test('rekey(): with the old key first it does nothing, and the new key alone still does not start', async () => {
  const storage = memoryStorage()
  await fill(storage)
  assert.deepEqual(await (await startedWith(storage, [oldKey, newKey])).rekey(), nothing)
  assert.equal(await codeOf(startedWith(storage, newKey)), 'master_key')
  assert.equal(await codeOf(startedWith(storage, oldKey)), 'ok')
})

test('rekey(): with the keys in the wrong order it undoes an interrupted rekey', async () => {
  const storage = memoryStorage()
  const id = await fill(storage)
  const dying = before(storage, (transaction) => {
    if (transaction === 2) throw new Error('dead')
  })
  await assert.rejects((await startedWith(dying, [newKey, oldKey])).rekey(), /dead/)
  await (await startedWith(storage, [oldKey, newKey])).rekey()
  await known(await startedWith(storage, oldKey), id)
})

test('rekey(): refuses while a server seals under the old key, and leaves the check record', async () => {
  const storage = memoryStorage()
  await fill(storage)
  const server = await startedWith(storage, [oldKey, newKey])
  const stubborn = before(storage, (count) =>
    server.idempotent({ ...request, key: `late${count}` }, async () => ({})),
  )
  const refusal = await refusalOf((await startedWith(stubborn, [newKey, oldKey])).rekey())
  assert.equal(refusal.code, 'conflict')
  assert.match(refusal.message, /^Others go on sealing under another master key/)
  assert.equal(await codeOf(startedWith(storage, newKey)), 'master_key')
})

test('rekey(): names a secret that no key opens, and leaves the check record', async () => {
  const storage = memoryStorage()
  await fill(storage)
  const app = (await storage.findApp('second'))!
  const place = { kind: 'tokenSecret', appId: app.id } as const
  await storage.reseal(place, app.tokenSecret, `${app.tokenSecret.slice(0, -4)}AAAA`)
  const refusal = await refusalOf((await startedWith(storage, [newKey, oldKey])).rekey())
  assert.deepEqual(
    [refusal.code, refusal.message],
    ['master_key', `The token secret of app ${app.id} does not open with any of the master keys`],
  )
  assert.equal(await codeOf(startedWith(storage, newKey)), 'master_key')
})

test('rekey(): a stored response that no key opens stops it only until it expires', async () => {
  const storage = memoryStorage()
  await fill(storage)
  const { clock, licensing } = await newWorld({ storage, masterKey: [newKey, oldKey] })
  const lost = {
    scope: 'lost',
    key: 'k',
    fingerprint: '',
    answer: 'v1.lost.a.b',
    expiresAt: clock.seconds + 9,
  }
  await storage.insertStoredResponse(lost, clock.seconds)
  assert.match((await refusalOf(licensing.rekey())).message, /^A stored response of lost does not open/)
  clock.seconds += 9
  assert.equal((await licensing.rekey()).keyCheck, true)
})

test('rekey(): reports each record once, up to their number', async () => {
  const storage = memoryStorage()
  await fill(storage)
  const seen: string[] = []
  const onProgress = (looked: number, total: number): void => void seen.push(`${looked}/${total}`)
  await (await startedWith(storage, [newKey, oldKey])).rekey({ onProgress })
  assert.deepEqual(
    seen,
    Array.from({ length: 152 }, (_, at) => `${at + 1}/152`),
  )
})

test('rekey(): gives up if others keep putting the check record under another key', async (t) => {
  // The pauses between lost attempts have a random length.
  const { mock: luck } = t.mock.method(Math, 'random', () => 0)
  const storage = memoryStorage()
  await fill(storage)
  const contested = Object.assign(Object.create(storage) as Storage, {
    transaction: ((work, options) =>
      storage.transaction((tx) => {
        const reseal: Storage['reseal'] = async (...given) =>
          given[0].kind === 'keyCheck' ? false : tx.reseal(...given)
        return work({ ...tx, reseal })
      }, options)) as Storage['transaction'],
  })
  const refusal = await refusalOf((await startedWith(contested, [newKey, oldKey])).rekey())
  // Deno leaves a mock to the tests that follow.
  luck.restore()
  assert.deepEqual(
    [refusal.code, refusal.message],
    ['conflict', 'Others put the check record under another master key'],
  )
  assert.equal(await codeOf(startedWith(storage, newKey)), 'master_key')
})

test('rekey(): passes over retired keys, which have no private half', async () => {
  const { storage, licensing, app } = await newShop({ masterKey: oldKey })
  await licensing.rotateKeys(app.slug, { gracePeriodDays: 1 })
  const result = await (await startedWith(storage, [newKey, oldKey])).rekey()
  assert.deepEqual(result, { ...nothing, tokenSecrets: 1, signingKeys: 1, keyCheck: true })
  const [, retired] = await storage.listSigningKeys(app.id)
  assert.equal(retired?.privateKey, null)
})
