import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { memoryStore, type LicenseStore, type PublicKeys } from '../../src/client/index.ts'
import {
  licenseFile,
  start,
  statementKeys,
  TestChain,
  tokenUnder,
  type Statement,
  type StatementKey,
} from '../support/statements.ts'
import { conflictsOf, enter, openProgram, trustServer } from './statement-program.ts'

let keys: readonly StatementKey[]
let first: StatementKey
let recovery: readonly StatementKey[]

before(async () => {
  keys = await statementKeys()
  first = keys[0]!
  recovery = keys.slice(12)
})

const unfetched = /newer key, which could not be fetched/
const foreign = /not valid for this program/

/** Rotations with grace, without it, and after a theft, in turn. */
const kinds: readonly ((chain: TestChain, key: StatementKey) => Promise<TestChain>)[] = [
  (chain, key) => chain.rotate(key, { retired: { [chain.active.kid]: start + 30 * 86_400 } }),
  (chain, key) => chain.rotate(key),
  (chain, key) => chain.compromise(key),
]

async function rotateTenTimes(from: number): Promise<TestChain> {
  let chain = await TestChain.begin(first)
  for (const [at, key] of keys.slice(1, 11).entries()) chain = await kinds[(from + at) % 3]!(chain, key)
  return chain
}

for (const from of [0, 1, 2])
  test(`setToken(): a program built with any of eleven keys reaches the last, mix ${from + 1}`, async () => {
    const chain = await rotateTenTimes(from)
    const token = await chain.token()
    const file = licenseFile({ v: 1, token, trust: chain.file })
    for (const [at, key] of chain.keys.entries()) {
      const carried: readonly PublicKeys[] = [key.publicKeyPem, chain.upTo(at + 1).file]
      for (const publicKeys of carried) {
        const store = memoryStore()
        const server = trustServer(chain.file)
        assert.equal(await enter(await openProgram(server, { publicKeys }), token), 'active', `key ${at + 1}`)
        server.isUp = false
        server.paths.length = 0
        assert.equal(await enter(await openProgram(server, { publicKeys }, store), file), 'active')
        const restarted = await openProgram(server, { publicKeys }, store)
        assert.deepEqual([restarted.license.state, server.paths], ['active', []], `key ${at + 1} again`)
      }
    }
  })

test('createLicenseClient(): follows trust.json by default if publicKeys is a trust file, in both forms', async () => {
  const chain = await TestChain.begin(first)
  const next = await chain.rotate(keys[1]!)
  for (const publicKeys of [
    chain.file,
    JSON.stringify(chain.file),
    `\n${JSON.stringify(chain.file, null, 2)}`,
  ]) {
    const server = trustServer(next.file)
    const client = await openProgram(server, { publicKeys, refreshKeys: undefined as never })
    assert.equal(await enter(client, await next.token()), 'active')
    assert.deepEqual(server.paths, ['trust.json'])
  }
})

test('createLicenseClient(): refuses a trust file that does not hold to its end', async () => {
  const chain = await (await TestChain.begin(first)).rotate(keys[1]!)
  const other = await TestChain.begin(first, { aud: 'other-app' })
  const statements = [chain.statements[0]!, (await TestChain.begin(keys[2]!)).statements[0]!]
  const wrong: readonly (readonly [PublicKeys, RegExp])[] = [
    [{ v: 1, statements: [] }, /statement 1/],
    [other.file, /another app.*statement 1/],
    [{ v: 1, statements }, /statement 2/],
    [{ v: 1, statements: [null as never] }, /statement 1/],
  ]
  for (const [publicKeys, reason] of wrong)
    await assert.rejects(openProgram(trustServer(), { publicKeys }), (error: unknown) => {
      assert.ok(error instanceof TypeError)
      assert.match(error.message, reason)
      return true
    })
})

test('refreshKeys: is refused beside a trust file, if it names another source', async () => {
  const { file: publicKeys } = await TestChain.begin(first)
  const refreshKeys = { from: 'jwks.json', pin: 'origin' } as const
  await assert.rejects(
    openProgram(trustServer(), { publicKeys, refreshKeys }),
    /TypeError: refreshKeys .* trust file/,
  )
})

test('refreshKeys: an old program with keys alone goes on as before, and takes no statements', async () => {
  const chain = await (await TestChain.begin(first)).rotate(keys[1]!)
  const server = trustServer(chain.file)
  const store = memoryStore()
  const client = await openProgram(
    server,
    { publicKeys: first.publicKeyPem, refreshKeys: undefined as never },
    store,
  )
  assert.equal(await enter(client, await tokenUnder(first)), 'active')
  const file = licenseFile({ v: 1, token: await chain.token({ revision: 2 }), trust: chain.file })
  assert.match(await enter(client, file), foreign)
  assert.equal(
    await enter(client, licenseFile({ v: 1, token: await tokenUnder(first, { revision: 3 }) })),
    'active',
  )
  assert.deepEqual(server.paths, [])
  assert.equal('trust' in (JSON.parse((await store.read())!) as object), false)
})

test('refreshKeys: a server without trust.json, or with no trust file there, is no fault', async () => {
  const chain = await (await TestChain.begin(first)).rotate(keys[1]!)
  for (const body of [
    null,
    '',
    '<html>',
    '{"keys":[]}',
    '[]',
    'null',
    '{"v":1,"statements":[]}',
    '{"statements":7}',
  ]) {
    const client = await openProgram(trustServer(body), { publicKeys: first.publicKeyPem })
    const conflicts = conflictsOf(client)
    assert.equal(await enter(client, await tokenUnder(first)), 'active')
    assert.match(await enter(client, await chain.token({ revision: 2 })), unfetched)
    assert.deepEqual([client.license.state, client.license.action, conflicts], ['active', 'none', []])
  }
})

/** A program that has heard of the chain, and holds a token under its active key. */
async function follower(chain: TestChain, publicKeys: PublicKeys = first.publicKeyPem, store?: LicenseStore) {
  const server = trustServer(chain.file)
  const client = await openProgram(server, { publicKeys }, store)
  assert.equal(await enter(client, await chain.token()), 'active')
  return { server, client, conflicts: conflictsOf(client) }
}

test('a retired key: its tokens are good up to the time at which it was left, and not after it', async () => {
  const chain = await (await TestChain.begin(first)).rotate(keys[1]!)
  const end = start + 200
  const { client } = await follower(chain)
  assert.match(await enter(client, await tokenUnder(first, { revision: 3, iat: end + 1 })), foreign)
  assert.equal(await enter(client, await tokenUnder(first, { revision: 2, iat: end })), 'active')
})

test('a revoked key: all its tokens are refused, also the held one, and the one that the program fell back to', async () => {
  const chain = await (await TestChain.begin(first)).compromise(keys[1]!)
  const server = trustServer(chain.file)
  const store = memoryStore()
  const client = await openProgram(server, { publicKeys: first.publicKeyPem }, store)
  assert.equal(await enter(client, await tokenUnder(first)), 'active')
  assert.match(await enter(client, licenseFile({ v: 1, token: 'x', trust: chain.file })), /no license token/)
  assert.equal((await client.check()).state, 'invalid')
  assert.match(await enter(client, await tokenUnder(first, { revision: 2 })), foreign)
  assert.equal(await enter(client, await chain.token({ revision: 3 })), 'active')
  server.isUp = false
  const { license } = await openProgram(server, { publicKeys: first.publicKeyPem }, store)
  assert.equal(license.claims?.jti, client.license.claims?.jti)
})

test('a recovery: may revoke any earlier key, and the program refuses all tokens of it', async () => {
  const begun = await (await TestChain.begin(first)).setRecovery(1, [recovery[0]!])
  const rotated = await (await begun.rotate(keys[1]!)).rotate(keys[2]!)
  const chain = await rotated.recover(keys[3]!, [recovery[0]!], { revoked: [first.kid] })
  const { client } = await follower(chain)
  assert.match(await enter(client, await tokenUnder(first, { revision: 2 })), foreign)
  assert.equal(await enter(client, await tokenUnder(keys[2]!, { revision: 3 })), 'active')
})

test('a trust file without its oldest statements: is followed from where the program knows it, and from its end', async () => {
  const chain = await rotateTenTimes(0)
  for (const from of [2, 4]) {
    const { client } = await follower(chain.upTo(4))
    const trust = { v: 1, statements: chain.statements.slice(from) }
    const file = licenseFile({ v: 1, token: await chain.token({ revision: 2 }), trust })
    assert.equal(await enter(client, file), 'active', `${from}`)
  }
})

test('an older trust.json changes nothing', async () => {
  const chain = await (await (await TestChain.begin(first)).rotate(keys[1]!)).rotate(keys[2]!)
  const { server, client, conflicts } = await follower(chain)
  server.body = chain.upTo(2).file
  assert.match(await enter(client, await tokenUnder(keys[5]!, { revision: 2 })), unfetched)
  assert.equal(await enter(client, await chain.token({ revision: 3 })), 'active')
  assert.deepEqual(conflicts, [])
})

test('a fork: is ignored with an event, whichever of the two came first, if no recovery key stood', async () => {
  const begun = await TestChain.begin(first)
  const one = await (await begun.rotate(keys[1]!)).rotate(keys[2]!)
  const other = await begun.rotate(keys[3]!)
  for (const [seen, later] of [
    [one, other],
    [other, one],
  ] as const) {
    const { server, client, conflicts } = await follower(seen)
    server.body = later.file
    assert.match(await enter(client, await later.token({ revision: 2 })), foreign)
    assert.deepEqual([client.license.state, conflicts], ['active', [2]])
    server.isUp = false
    assert.match(
      await enter(client, licenseFile({ v: 1, token: await later.token(), trust: later.file })),
      foreign,
    )
    assert.deepEqual(conflicts, [2, 2])
    assert.equal(await enter(client, await seen.token({ revision: 3 })), 'active')
  }
})

test('a fork: a stored token under it asks for an update of the program', async () => {
  const begun = await TestChain.begin(first)
  const [one, other] = [await begun.rotate(keys[1]!), await begun.rotate(keys[2]!)]
  const store = memoryStore()
  await follower(one, first.publicKeyPem, store)
  const record = JSON.parse((await store.read())!) as object
  await store.write(JSON.stringify({ ...record, token: await other.token() }))
  const server = trustServer(other.file)
  const client = await openProgram(server, { publicKeys: first.publicKeyPem }, store)
  assert.deepEqual([client.license.state, client.license.action], ['invalid', 'refresh'])
  await client.refresh()
  assert.deepEqual([client.license.state, client.license.action], ['invalid', 'update'])
  assert.match(client.license.reason, /key that this program does not know/)
})

/** A thief forks the chain by the stolen key. The vendor follows the true one by a recovery key. */
async function theft(): Promise<{ readonly thief: TestChain; readonly healed: TestChain }> {
  const begun = await (await (await TestChain.begin(first)).setRecovery(1, [recovery[0]!])).rotate(keys[1]!)
  const thief = await (await (await begun.rotate(keys[2]!)).rotate(keys[3]!)).rotate(keys[4]!)
  return { thief, healed: await begun.recover(keys[5]!, [recovery[0]!]) }
}

test('a recovery: leads a program past the fork that it heard first, though the fork is longer', async () => {
  const { thief, healed } = await theft()
  const store = memoryStore()
  const { server, client, conflicts } = await follower(thief, first.publicKeyPem, store)
  server.body = healed.file
  assert.equal(await enter(client, await healed.token({ revision: 2 })), 'active')
  assert.match(await enter(client, await thief.token({ revision: 3 })), unfetched)
  assert.match(await enter(client, await tokenUnder(keys[1]!, { revision: 3 })), foreign)
  assert.deepEqual(conflicts, [])
  server.isUp = false
  const restarted = await openProgram(server, { publicKeys: first.publicKeyPem }, store)
  assert.deepEqual(
    [restarted.license.state, restarted.license.claims?.jti],
    ['active', client.license.claims?.jti],
  )
})

test('a recovery: a fork that comes after it is ignored with an event', async () => {
  const { thief, healed } = await theft()
  const { server, client, conflicts } = await follower(healed)
  server.body = thief.file
  assert.match(await enter(client, await thief.token({ revision: 2 })), foreign)
  assert.deepEqual([client.license.state, conflicts], ['active', [4]])
})

test('a recovery: a thief’s own recovery keys do not count', async () => {
  const begun = await TestChain.begin(first)
  const one = await (await begun.rotate(keys[1]!)).setRecovery(1, [recovery[0]!])
  const planted = await (await begun.rotate(keys[2]!)).setRecovery(1, [recovery[1]!])
  const thief = await planted.recover(keys[3]!, [recovery[1]!])
  const { server, client, conflicts } = await follower(one)
  server.body = thief.file
  assert.match(await enter(client, await thief.token({ revision: 2 })), foreign)
  assert.deepEqual(conflicts, [2])
})

test('the store: keeps the statements, and adds nothing to what the program’s keys lead to', async () => {
  const chain = await (await TestChain.begin(first)).rotate(keys[1]!)
  const store = memoryStore()
  const { server, client } = await follower(chain, first.publicKeyPem, store)
  const record = JSON.parse((await store.read())!) as {
    readonly trust: { readonly statements: readonly unknown[] }
  }
  assert.deepEqual(record.trust.statements, chain.statements)
  assert.equal(client.license.store, 'kept')
  server.isUp = false
  const planted = await (await TestChain.begin(keys[6]!)).rotate(keys[1]!)
  for (const trust of [
    undefined,
    null,
    7,
    'x',
    {},
    { ...record.trust, statements: planted.statements },
    planted.file,
  ]) {
    await store.write(JSON.stringify({ ...record, trust }))
    const opened = await openProgram(server, { publicKeys: first.publicKeyPem }, store)
    assert.equal(opened.license.state, 'invalid', JSON.stringify(trust)?.slice(0, 40))
  }
})

test('the store: holds 128 KiB of statements at most, so that earlier versions can read the record', async () => {
  let chain = await TestChain.begin(first)
  for (let made = 1; made < 140; made++) chain = await chain.add(first, {}, [first])
  chain = await chain.rotate(keys[1]!)
  const store = memoryStore()
  const { server, client } = await follower(chain, first.publicKeyPem, store)
  const text = (await store.read())!
  assert.deepEqual([client.license.store, 'trust' in (JSON.parse(text) as object)], ['kept', false])
  assert.ok(JSON.stringify(chain.file).length > 128 * 1024 && text.length < 64 * 1024)
  const restarted = await openProgram(server, { publicKeys: first.publicKeyPem }, store)
  assert.deepEqual([restarted.license.state, restarted.license.action], ['invalid', 'refresh'])
  assert.equal((await restarted.refresh()).state, 'active')
})

const long = 'x'.repeat(20_000)

/** Each adds to a statement what counts for nothing, as anybody on the way can. */
const additions: Readonly<Record<string, (statement: Statement) => Statement>> = {
  'signatures of strangers': ({ payload, signatures }) => ({
    payload,
    signatures: [...signatures, { protected: long, signature: long }],
  }),
  'members of signatures': ({ payload, signatures }) => ({
    payload,
    signatures: signatures.map((one) => ({
      ...one,
      header: { ...Object(one['header']), kid: long },
      x: long,
    })),
  }),
  'a signature of a recovery key that is not needed': ({ payload, signatures }) => ({
    payload,
    signatures: [...signatures, { protected: headerOf(recovery[1]!), signature: long }],
  }),
  'a repeated signature': ({ payload, signatures }) => ({
    payload,
    signatures: [...signatures, ...signatures, { ...signatures[0], signature: long }],
  }),
}

function headerOf({ kid }: StatementKey): string {
  return Buffer.from(JSON.stringify({ alg: 'RS256', typ: 'keystatement+jwt', kid })).toString('base64url')
}

for (const [name, add] of Object.entries(additions))
  test(`the store: keeps statements to which a proxy added ${name}, without the addition`, async () => {
    let chain = await (await TestChain.begin(first)).setRecovery(1, recovery)
    for (const key of keys.slice(1, 6)) chain = await chain.recover(key, recovery.slice(0, 1))
    for (const key of keys.slice(6, 9)) chain = await chain.rotate(key)
    const file = { v: 1, statements: chain.statements.map(add) }
    assert.ok(JSON.stringify(file).length > 128 * 1024)
    const store = memoryStore()
    const server = trustServer(file)
    const client = await openProgram(server, { publicKeys: first.publicKeyPem }, store)
    assert.equal(await enter(client, await chain.token()), 'active')
    const { trust } = JSON.parse((await store.read())!) as {
      readonly trust: { readonly statements: unknown }
    }
    const signed = (statements: unknown) =>
      (statements as readonly Statement[]).map(({ payload, signatures }) => [
        payload,
        signatures.map((one) => JSON.stringify(Object.entries(one).toSorted())).toSorted(),
      ])
    assert.deepEqual(signed(trust.statements), signed(chain.statements))
    server.isUp = false
    const restarted = await openProgram(server, { publicKeys: first.publicKeyPem }, store)
    assert.equal(restarted.license.state, 'active')
  })

test('the store: holds no statements beyond those of a program that carries them all itself', async () => {
  const chain = await (await TestChain.begin(first)).rotate(keys[1]!)
  const store = memoryStore()
  await follower(chain, chain.file, store)
  assert.equal('trust' in (JSON.parse((await store.read())!) as object), false)
})

test('the store: programs built with an earlier and a later key share it, and lose nothing', async () => {
  const chain = (await rotateTenTimes(0)).upTo(5)
  const server = trustServer(chain.file)
  const store = memoryStore()
  const token = await chain.token()
  const later = await openProgram(server, { publicKeys: keys[3]!.publicKeyPem }, store)
  assert.equal(await enter(later, token), 'active')
  server.isUp = false
  const earlier = await openProgram(server, { publicKeys: first.publicKeyPem }, store)
  assert.equal(earlier.license.state, 'active')
  const plain = { publicKeys: keys[4]!.publicKeyPem, refreshKeys: undefined as never }
  const old = await openProgram(server, plain, store)
  assert.equal(await enter(old, await chain.token({ revision: 2 })), 'active')
  assert.equal((await openProgram(server, { publicKeys: first.publicKeyPem }, store)).license.state, 'active')
})
