import assert from 'node:assert/strict'
import type { SecretLocation, Storage } from '../../core/storage/index.ts'
import { type ConformanceCase, storageCase } from './conformance-case.ts'
import { addApp, atOnce, farFuture, madeAt, newKeptAnswer, newSigningKey } from './records.ts'

/** A sealed text that stands in a storage: where, and how to read the one that stands there now. */
interface Standing {
  readonly place: SecretLocation
  readonly text: string
  read(): Promise<string | null>
}

type Add = (storage: Storage) => Promise<Standing>

async function addKeyCheck(storage: Storage): Promise<Standing> {
  const read = (): Promise<string> => storage.claimKeyCheck('sealed check')
  return { place: { kind: 'keyCheck' }, text: await read(), read }
}

async function addTokenSecret(storage: Storage): Promise<Standing> {
  const { id: appId, tokenSecret } = await addApp(storage)
  const read = async (): Promise<string | null> => (await storage.findApp(appId))?.tokenSecret ?? null
  return { place: { kind: 'tokenSecret', appId }, text: tokenSecret, read }
}

async function addPrivateKey(storage: Storage): Promise<Standing> {
  const { id: appId } = await addApp(storage)
  const key = newSigningKey(appId, { privateKey: 'sealed key' })
  await storage.swapActiveKey(appId, null, key, null)
  const read = async (): Promise<string | null> => (await storage.findActiveKey(appId))?.privateKey ?? null
  return { place: { kind: 'privateKey', appId, kid: key.kid }, text: 'sealed key', read }
}

async function addKeptAnswer(storage: Storage): Promise<Standing> {
  const kept = newKeptAnswer()
  const { scope, key, answer } = kept
  await storage.insertStoredResponse(kept, madeAt)
  const read = async (): Promise<string | null> =>
    (await storage.findStoredResponse(scope, key, madeAt))?.answer ?? null
  return { place: { kind: 'storedResponse', scope, key }, text: answer, read }
}

const places: Readonly<Record<string, Add>> = {
  'a check record': addKeyCheck,
  'a token secret': addTokenSecret,
  'a private key': addPrivateKey,
  'a kept answer': addKeptAnswer,
}

function casesOf(name: string, add: Add): readonly ConformanceCase[] {
  return [
    storageCase(
      `sealed: ${name} takes the place of what was expected, and of nothing else`,
      async (storage) => {
        const { place, text, read } = await add(storage)
        assert.equal(await storage.reseal(place, 'another', 'next'), false)
        assert.equal(await read(), text)
        assert.equal(await storage.reseal(place, text, 'next'), true)
        assert.equal(await read(), 'next')
        assert.equal(await storage.reseal(place, text, 'late'), false)
        assert.equal(await read(), 'next')
      },
    ),
    storageCase(`sealed: of 8 who reseal ${name} at once, one wins`, async (storage) => {
      const { place, text, read } = await add(storage)
      const answers = await atOnce(8, (index) => storage.reseal(place, text, `next ${index}`))
      assert.equal(answers.filter(Boolean).length, 1)
      assert.equal(await read(), `next ${answers.indexOf(true)}`)
    }),
    storageCase(`sealed: ${name} resealed in a transaction that is rolled back stays`, async (storage) => {
      const { place, text, read } = await add(storage)
      const work = storage.transaction(async (tx) => {
        assert.equal(await tx.reseal(place, text, 'next'), true)
        throw new Error('given up')
      })
      await assert.rejects(work, /given up/)
      assert.equal(await read(), text)
    }),
  ]
}

export const sealedCases: readonly ConformanceCase[] = [
  ...Object.entries(places).flatMap(([name, add]) => casesOf(name, add)),
  storageCase('sealed: what is not there is not made', async (storage) => {
    const { id: appId } = await addApp(storage)
    const gone: readonly SecretLocation[] = [
      { kind: 'keyCheck' },
      { kind: 'tokenSecret', appId: 'app_missing' },
      { kind: 'privateKey', appId, kid: 'kid_missing' },
      { kind: 'storedResponse', scope: 'missing', key: 'missing' },
    ]
    for (const place of gone) assert.equal(await storage.reseal(place, '', 'next'), false, place.kind)
    assert.equal(await storage.claimKeyCheck('first'), 'first')
    assert.equal(await storage.findActiveKey(appId), null)
    assert.equal(await storage.countStoredResponses(), 0)
  }),
  storageCase('sealed: a private key that was destroyed does not come back', async (storage) => {
    const { id: appId } = await addApp(storage)
    const [old, next] = [newSigningKey(appId, { privateKey: 'old' }), newSigningKey(appId)]
    await storage.swapActiveKey(appId, null, old, null)
    await storage.swapActiveKey(appId, old.kid, next, farFuture)
    const place = { kind: 'privateKey', appId, kid: old.kid } as const
    assert.equal(await storage.reseal(place, 'old', 'resealed'), false)
    const keys = await storage.listSigningKeys(appId)
    assert.deepEqual(
      keys.map(({ privateKey }) => privateKey),
      [next.privateKey, null],
    )
  }),
  storageCase('sealed: resealing changes nothing else of a record', async (storage) => {
    const app = await addApp(storage)
    const key = newSigningKey(app.id, { privateKey: 'old' })
    const kept = newKeptAnswer()
    const { scope, key: name } = kept
    await storage.swapActiveKey(app.id, null, key, null)
    await storage.insertStoredResponse(kept, madeAt)
    await storage.reseal({ kind: 'tokenSecret', appId: app.id }, app.tokenSecret, 'next')
    await storage.reseal({ kind: 'privateKey', appId: app.id, kid: key.kid }, 'old', 'next')
    await storage.reseal({ kind: 'storedResponse', scope, key: name }, kept.answer, 'next')
    assert.deepEqual(await storage.findApp(app.id), { ...app, tokenSecret: 'next' })
    assert.deepEqual(await storage.findActiveKey(app.id), { ...key, privateKey: 'next' })
    assert.deepEqual(await storage.findStoredResponse(scope, name, madeAt), { ...kept, answer: 'next' })
  }),
]
