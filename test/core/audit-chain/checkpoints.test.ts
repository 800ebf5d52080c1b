import assert from 'node:assert/strict'
import { test } from 'node:test'
import { base64url, CompactSign, decodeJwt, decodeProtectedHeader, importPKCS8 } from 'jose'
import type { AuditVerification, LicensingEvent } from '../../../src/core/index.ts'
import { addEntries, newEntries } from '../../support/audit-entries.ts'
import { codeOf, day, newWorld, refusalOf, risingIds, start, type World } from '../../support/fixtures.ts'
import { testKeyPairs } from '../../support/keys.ts'

const hour = 3_600

interface Logged extends World {
  readonly ids: readonly string[]
  /** The checkpoints that this process has told of. */
  readonly told: LicensingEvent<'audit.checkpoint'>[]
  /** Adds this number of entries of an app, and seals them. */
  add(count: number, app?: number): Promise<void>
  verify(checkpoint?: string): Promise<AuditVerification>
}

/** Licensing with two apps, whose own entries are sealed and covered by checkpoints. */
async function newLog(): Promise<Logged> {
  const world = await newWorld()
  const { licensing, storage, clock } = world
  const ids: string[] = []
  for (const slug of ['photo', 'video']) ids.push((await licensing.apps.create({ name: 'App', slug })).id)
  const told: LicensingEvent<'audit.checkpoint'>[] = []
  let made = 1_000_000
  const add: Logged['add'] = async (count, app = 0) => {
    await addEntries(storage, newEntries(count, { appId: ids[app]! }, made))
    made += count
    await licensing.audit.seal()
  }
  await licensing.audit.seal()
  clock.seconds += hour
  await licensing.audit.seal()
  licensing.on('audit.checkpoint', (event) => void told.push(event))
  const verify = (checkpoint?: string) =>
    licensing.audit.verify({ ...(checkpoint !== undefined && { checkpoint }) })
  return { ...world, ids, told, add, verify }
}

/** The events, once the microtasks that hand them out have run. */
async function heard({ told }: Logged): Promise<readonly LicensingEvent<'audit.checkpoint'>[]> {
  await new Promise<void>((resolve) => setTimeout(resolve))
  return told.splice(0)
}

test('audit.seal(): signs a checkpoint once an hour, for the apps with new entries alone', async () => {
  const log = await newLog()
  const { add, clock, storage, licensing } = log
  await add(3)
  assert.deepEqual(await heard(log), [])
  clock.seconds += hour
  await licensing.audit.seal()
  const [event, ...more] = await heard(log)
  assert.deepEqual(more, [])
  const chain = await storage.findAuditChain()
  const { seq, head, checkpoint } = event!.data
  assert.deepEqual([event!.app, seq, head], ['photo', chain?.seq, chain?.mac])
  const { iat, ...claims } = decodeJwt(checkpoint)
  assert.deepEqual(claims, { iss: 'license-server', aud: 'photo', seq, head })
  assert.equal(iat, clock.seconds)
  const { kid } = (await storage.findActiveKey(log.ids[0]!))!
  assert.deepEqual(decodeProtectedHeader(checkpoint), { alg: 'RS256', typ: 'checkpoint+jwt', kid })
  clock.seconds += day
  await licensing.audit.seal()
  assert.deepEqual(await heard(log), [])
})

test('audit.seal(): signs checkpoints after 1,000 entries, and never twice a minute', async () => {
  const log = await newLog()
  const { add, clock } = log
  clock.seconds += 60
  await add(999)
  assert.deepEqual(await heard(log), [])
  await add(1, 1)
  assert.deepEqual((await heard(log)).map(({ app }) => app).toSorted(), ['photo', 'video'])
  await add(1_000)
  assert.deepEqual(await heard(log), [])
  clock.seconds += 61
  await add(1)
  assert.deepEqual(
    (await heard(log)).map(({ app }) => app),
    ['photo'],
  )
})

test('audit.seal(): a clock that ran ahead once puts off no checkpoint', async () => {
  const log = await newLog()
  const { add, clock, licensing } = log
  clock.seconds += 10 * day
  await add(1)
  assert.equal((await heard(log)).length, 1)
  clock.seconds -= 10 * day
  await add(1)
  await licensing.audit.seal()
  assert.equal((await heard(log)).length, 1)
})

test('audit.seal(): an app that is gone has no checkpoint, and its entries are covered by the others', async () => {
  const log = await newLog()
  const { add, clock, licensing, verify } = log
  await add(2, 0)
  await add(2, 1)
  await licensing.apps.delete('photo')
  await licensing.audit.seal()
  clock.seconds += hour
  await licensing.audit.seal()
  const [event, ...more] = await heard(log)
  assert.deepEqual([event?.app, more], ['video', []])
  const { valid, checkpoint } = await verify(event!.data.checkpoint)
  assert.deepEqual([valid, checkpoint?.state], [true, 'matches'])
})

/** A log with a checkpoint over its end. */
async function newCovered(): Promise<Logged & { readonly checkpoint: string }> {
  const log = await newLog()
  await log.add(20)
  log.clock.seconds += hour
  await log.licensing.audit.seal()
  const [event] = await heard(log)
  return { ...log, checkpoint: event!.data.checkpoint }
}

/** Cuts off the newest entries as somebody does who may write to every table, and knows no key. */
async function cutTail({ storage }: World, left: number): Promise<void> {
  const chain = (await storage.findAuditChain())!
  const kept = await storage.listSealedAuditEntries(0, left)
  // The memory storage removes from the start alone, so the log is written again without its end.
  await storage.pruneAuditEntries({ before: start + 10_000 * day, belowSeq: chain.seq + 1, limit: chain.seq })
  await storage.insertAuditEntries(kept)
  const { seq, mac } = kept.at(-1)!
  await storage.updateAuditChain(chain.version, { seq: seq!, mac, checkpointSeq: 0 })
}

test('audit.verify(): a cut tail shows with a checkpoint, and without one it does not', async () => {
  const log = await newCovered()
  const { verified } = await log.verify(log.checkpoint)
  await cutTail(log, verified - 1)
  assert.equal((await log.verify()).valid, true)
  const { valid, fault, checkpoint } = await log.verify(log.checkpoint)
  assert.deepEqual(
    [valid, fault?.code, fault?.seq, checkpoint?.state],
    [false, 'log_cut', verified, 'differs'],
  )
})

test('audit.seal(): tells once that somebody has set the log back while the server runs, and goes on', async () => {
  for (const left of [1, 10]) {
    const log = await newCovered()
    const { verified } = await log.verify()
    await cutTail(log, verified - left)
    const refusal = await refusalOf(log.add(1))
    assert.deepEqual(
      [refusal.code, refusal.message],
      [
        'conflict',
        `The audit log was set back: entry ${verified}, which this server has sealed, is gone or another`,
      ],
    )
    await log.add(20)
    assert.deepEqual((await log.verify()).unsealed, 0)
  }
})

test('audit.seal(): another server may seal and prune meanwhile', async () => {
  const log = await newCovered()
  const other = (await newWorld({ storage: log.storage, newId: risingIds(5_000) })).licensing
  await addEntries(log.storage, newEntries(3, {}, 100))
  assert.equal(await other.audit.seal(), 3)
  await log.add(1)
  await addEntries(log.storage, newEntries(3, {}, 200))
  assert.equal(await other.audit.seal(), 3)
  assert.equal((await log.verify()).valid, true)
})

test('audit.verify(): entries that were unsealed, changed and sealed again show with a checkpoint', async () => {
  const log = await newCovered()
  const { verified } = await log.verify(log.checkpoint)
  await cutTail(log, verified - 3)
  // A server that was started since knows of no earlier end.
  const other = (await newWorld({ storage: log.storage, newId: risingIds(5_000) })).licensing
  await addEntries(log.storage, newEntries(10, {}, 100))
  await other.audit.seal()
  assert.equal((await log.verify()).valid, true)
  const { fault } = await log.verify(log.checkpoint)
  assert.deepEqual([fault?.code, fault?.seq], ['checkpoint_differs', verified])
})

test('audit.verify(): an older checkpoint covers what it covered, and says how far', async () => {
  const log = await newCovered()
  const { verified } = await log.verify()
  await log.add(5)
  const result = await log.verify(log.checkpoint)
  assert.deepEqual(result.checkpoint, {
    app: 'photo',
    seq: verified,
    issuedAt: log.clock.seconds,
    state: 'matches',
  })
  assert.deepEqual([result.valid, result.lastSeq], [true, verified + 5])
})

test('audit.verify(): a retired signing key still proves its checkpoint', async () => {
  const log = await newCovered()
  await log.licensing.rotateKeys('photo')
  assert.equal((await log.verify(log.checkpoint)).valid, true)
})

/** Signs as an attacker with a signing key would, or with the wrong one. */
async function signed(claims: object, header: object, pem: string): Promise<string> {
  return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'RS256', typ: 'checkpoint+jwt', ...header })
    .sign(await importPKCS8(pem, 'RS256'))
}

test('audit.verify(): refuses whatever no signing key of the named app has signed as a checkpoint', async () => {
  const log = await newCovered()
  const { checkpoint, licensing } = log
  const claims = decodeJwt(checkpoint)
  const { kid } = decodeProtectedHeader(checkpoint)
  const [own, foreign] = [testKeyPairs[0]!.privateKeyPem, testKeyPairs[5]!.privateKeyPem]
  // The same claims under the right key are the checkpoint, so each of the others fails for its own reason.
  assert.equal(await signed(claims, { kid }, own), checkpoint)
  const [header = '', payload = '', signature = ''] = checkpoint.split('.')
  const refused: Readonly<Record<string, unknown>> = {
    'another key': await signed(claims, { kid }, foreign),
    'another app': await signed({ ...claims, aud: 'video' }, { kid }, own),
    'another issuer': await signed({ ...claims, iss: 'other' }, { kid }, own),
    'an app of another storage': await signed({ ...claims, aud: 'elsewhere' }, { kid }, own),
    'the type of a license token': await signed(claims, { kid, typ: 'JWT' }, own),
    'no kid': await signed(claims, {}, own),
    'a place that is no number': await signed({ ...claims, seq: '1' }, { kid }, own),
    'a place below one': await signed({ ...claims, seq: 0 }, { kid }, own),
    'no head': await signed({ iss: claims.iss, aud: claims.aud, seq: 1, iat: 1 }, { kid }, own),
    'no algorithm': `${base64url.encode(JSON.stringify({ alg: 'none', typ: 'checkpoint+jwt', kid }))}.${payload}.`,
    'changed claims': [header, base64url.encode(JSON.stringify({ ...claims, seq: 1 })), signature].join('.'),
    'a cut signature': checkpoint.slice(0, -4),
    'no text': '',
    'a number': 7,
    'a very long text': 'a'.repeat(10_000),
  }
  for (const [name, given] of Object.entries(refused))
    assert.equal(
      await codeOf(licensing.audit.verify({ checkpoint: given as string })),
      'validation_error',
      name,
    )
})

test('a checkpoint is no license token', async () => {
  const { checkpoint, licensing } = await newCovered()
  const { valid, code } = await licensing.verification.verifyToken('photo', checkpoint)
  assert.deepEqual([valid, code], [false, 'invalid_token'])
})

test('audit.seal(): checkpoints are no acts, so they add no entry', async () => {
  const log = await newCovered()
  const { lastSeq, unsealed } = await log.verify()
  log.clock.seconds += day
  await log.licensing.audit.seal()
  const after = await log.verify()
  assert.deepEqual([after.lastSeq, after.unsealed], [lastSeq, unsealed])
})
