import assert from 'node:assert/strict'
import type { SecretLocation, Storage } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import { addApp, concurrently, farFuture, madeAt, newStoredResponse, newSigningKey } from './records.ts'

/** A sealed text in a storage: its location, and a way to read the text that is there now. */
interface Secret {
  readonly location: SecretLocation
  readonly text: string
  read(): Promise<string | null>
}

type Add = (storage: Storage) => Promise<Secret>

async function addKeyCheck(storage: Storage): Promise<Secret> {
  const read = (): Promise<string> => storage.claimKeyCheck('sealed check')
  return { location: { kind: 'keyCheck' }, text: await read(), read }
}

async function addTokenSecret(storage: Storage): Promise<Secret> {
  const { id: appId, tokenSecret } = await addApp(storage)
  const read = async (): Promise<string | null> => (await storage.findApp(appId))?.tokenSecret ?? null
  return { location: { kind: 'tokenSecret', appId }, text: tokenSecret, read }
}

async function addPrivateKey(storage: Storage): Promise<Secret> {
  const { id: appId } = await addApp(storage)
  const key = newSigningKey(appId, { privateKey: 'sealed key' })
  await storage.swapActiveKey(appId, null, key, null)
  const read = async (): Promise<string | null> => (await storage.findActiveKey(appId))?.privateKey ?? null
  return { location: { kind: 'privateKey', appId, kid: key.kid }, text: 'sealed key', read }
}

async function addStoredResponse(storage: Storage): Promise<Secret> {
  const stored = newStoredResponse()
  const { scope, key, answer } = stored
  await storage.insertStoredResponse(stored, madeAt)
  const read = async (): Promise<string | null> =>
    (await storage.findStoredResponse(scope, key, madeAt))?.answer ?? null
  return { location: { kind: 'storedResponse', scope, key }, text: answer, read }
}

const secrets: Readonly<Record<string, Add>> = {
  'a check record': addKeyCheck,
  'a token secret': addTokenSecret,
  'a private key': addPrivateKey,
  'a stored response': addStoredResponse,
}

function casesOf(name: string, add: Add): readonly ConformanceCase[] {
  return [
    storageCase(`reseal(): replaces ${name} only if it is the expected text`, async (storage) => {
      const { location, text, read } = await add(storage)
      assert.equal(await storage.reseal(location, 'another', 'next'), false)
      assert.equal(await read(), text)
      assert.equal(await storage.reseal(location, text, 'next'), true)
      assert.equal(await read(), 'next')
      assert.equal(await storage.reseal(location, text, 'late'), false)
      assert.equal(await read(), 'next')
    }),
    storageCase(`reseal(): one of 8 concurrent calls for ${name} wins`, async (storage) => {
      const { location, text, read } = await add(storage)
      const results = await concurrently(8, (index) => storage.reseal(location, text, `next ${index}`))
      assert.equal(results.filter(Boolean).length, 1)
      assert.equal(await read(), `next ${results.indexOf(true)}`)
    }),
    storageCase(`reseal(): a rollback restores ${name}`, async (storage) => {
      const { location, text, read } = await add(storage)
      const work = storage.transaction(async (tx) => {
        assert.equal(await tx.reseal(location, text, 'next'), true)
        throw new Error('given up')
      })
      await assert.rejects(work, /given up/)
      assert.equal(await read(), text)
    }),
  ]
}

export const secretCases: readonly ConformanceCase[] = [
  storageCase('claimKeyCheck(): the first check record stays', async (storage) => {
    assert.equal(await storage.claimKeyCheck('first'), 'first')
    assert.equal(await storage.claimKeyCheck('second'), 'first')
    assert.equal(await storage.claimKeyCheck('first'), 'first')
  }),
  storageCase('claimKeyCheck(): 8 concurrent calls return the same check record', async (storage) => {
    const results = await concurrently(8, (index) => storage.claimKeyCheck(`sealed ${index}`))
    assert.equal(new Set(results).size, 1)
    assert.equal(await storage.claimKeyCheck('late'), results[0])
  }),
  ...Object.entries(secrets).flatMap(([name, add]) => casesOf(name, add)),
  storageCase('reseal(): creates nothing', async (storage) => {
    const { id: appId } = await addApp(storage)
    const missing: readonly SecretLocation[] = [
      { kind: 'keyCheck' },
      { kind: 'tokenSecret', appId: 'app_missing' },
      { kind: 'privateKey', appId, kid: 'kid_missing' },
      { kind: 'storedResponse', scope: 'missing', key: 'missing' },
    ]
    for (const location of missing)
      assert.equal(await storage.reseal(location, '', 'next'), false, location.kind)
    assert.equal(await storage.claimKeyCheck('first'), 'first')
    assert.equal(await storage.findActiveKey(appId), null)
    assert.equal(await storage.countStoredResponses(), 0)
  }),
  storageCase('reseal(): does not bring back a destroyed private key', async (storage) => {
    const { id: appId } = await addApp(storage)
    const [old, next] = [newSigningKey(appId, { privateKey: 'old' }), newSigningKey(appId)]
    await storage.swapActiveKey(appId, null, old, null)
    await storage.swapActiveKey(appId, old.kid, next, farFuture)
    const location = { kind: 'privateKey', appId, kid: old.kid } as const
    assert.equal(await storage.reseal(location, 'old', 'resealed'), false)
    const keys = await storage.listSigningKeys(appId)
    assert.deepEqual(
      keys.map(({ privateKey }) => privateKey),
      [next.privateKey, null],
    )
  }),
  storageCase('reseal(): changes no other field of a record', async (storage) => {
    const app = await addApp(storage)
    const key = newSigningKey(app.id, { privateKey: 'old' })
    const stored = newStoredResponse()
    const { scope, key: name } = stored
    await storage.swapActiveKey(app.id, null, key, null)
    await storage.insertStoredResponse(stored, madeAt)
    await storage.reseal({ kind: 'tokenSecret', appId: app.id }, app.tokenSecret, 'next')
    await storage.reseal({ kind: 'privateKey', appId: app.id, kid: key.kid }, 'old', 'next')
    await storage.reseal({ kind: 'storedResponse', scope, key: name }, stored.answer, 'next')
    assert.deepEqual(await storage.findApp(app.id), { ...app, tokenSecret: 'next' })
    assert.deepEqual(await storage.findActiveKey(app.id), { ...key, privateKey: 'next' })
    assert.deepEqual(await storage.findStoredResponse(scope, name, madeAt), { ...stored, answer: 'next' })
  }),
]
