import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { before, test } from 'node:test'
import { calculateJwkThumbprint } from 'jose'
import {
  hashOf,
  licenseFile,
  payloadIn,
  signStatement,
  start,
  statementKeys,
  TestChain,
  tokenUnder,
  type Statement,
  type StatementKey,
} from '../support/statements.ts'
import { conflictsOf, enter, openProgram, trustServer } from './statement-program.ts'

let keys: readonly StatementKey[]
let begun: TestChain
/** The chain with two recovery keys of which both must sign. */
let guarded: TestChain
let recovery: readonly StatementKey[]

before(async () => {
  keys = await statementKeys()
  recovery = keys.slice(11)
  begun = await TestChain.begin(keys[0]!)
  guarded = await begun.setRecovery(2, recovery)
})

async function shortKey(): Promise<StatementKey> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const { kty, n, e } = publicKey.export({ format: 'jwk' })
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
  const key = await crypto.subtle.importKey('pkcs8', new Uint8Array(pkcs8), algorithm, false, ['sign'])
  return { ...keys[1]!, jwk: { kty: kty!, n: n!, e: e! }, privateKey: key }
}

/** The same key under another name: the last character of its modulus has bits that no decoder reads. */
async function respelt(key: StatementKey): Promise<StatementKey> {
  const n = key.jwk.n!
  const jwk = { ...key.jwk, n: n.slice(0, -1) + String.fromCharCode(n.charCodeAt(n.length - 1) + 1) }
  return { ...key, jwk, kid: await calculateJwkThumbprint(jwk) }
}

const replaceLast = (chain: TestChain, statement: Statement): readonly Statement[] => [
  ...chain.statements.slice(0, -1),
  statement,
]

/** Two statements, of which the second puts `key` in place of keys[1]; `fields` are those of a thief. */
async function second(
  fields: Readonly<Record<string, unknown>>,
  signers: readonly StatementKey[] = [keys[0]!, keys[1]!],
  header: object = {},
): Promise<readonly Statement[]> {
  return [...begun.statements, await signStatement(begun.next(keys[1]!, fields), signers, [], header)]
}

/** After `guarded`: a statement that these recovery keys have signed. */
async function recoveredBy(recoverers: readonly StatementKey[]): Promise<readonly Statement[]> {
  const { statements } = await guarded.recover(keys[1]!, recoverers)
  return statements
}

/** Each gives the statements of a server that wants keys[1] to be trusted. */
const attacks: Readonly<Record<string, () => Promise<readonly Statement[]>>> = {
  'a statement of another app': () => second({ aud: 'other-app' }),
  'a statement of another issuer': () => second({ iss: 'somebody' }),
  'the new key alone has signed': () => second({}, [keys[1]!]),
  'the outgoing key alone has signed': () => second({}, [keys[0]!]),
  'a stranger has signed for the outgoing key': () =>
    second({}, [{ ...keys[5]!, kid: keys[0]!.kid }, keys[1]!]),
  'the signatures of another payload': async () => {
    const [, { signatures }] = (await second({ iat: start })) as [Statement, Statement]
    const [first, { payload }] = (await second({ iat: start + 1 })) as [Statement, Statement]
    return [first, { payload, signatures }]
  },
  'a gap in the numbers': () => second({ seq: 3 }),
  'a number twice': () => second({ seq: 1 }),
  'a number as a text': () => second({ seq: '2' }),
  'a number with a fraction': () => second({ seq: 2.5 }),
  'the prev of a fork': async () =>
    second({ prev: hashOf((await TestChain.begin(keys[0]!, { iat: 7 })).statements[0]!) }),
  'no prev': () => second({ prev: null }),
  'a key of 1024 bits': async () => {
    const key = await shortKey()
    return [...begun.statements, await signStatement(begun.next(key), [keys[0]!, key])]
  },
  'a key with the exponent 1': () => second({ key: { ...keys[1]!.jwk, e: 'AQ' } }),
  'a key with a private member': () => second({ key: { ...keys[1]!.jwk, d: 'AQAB' } }),
  'a key in another spelling of base64url': async () => {
    const key = await respelt(keys[1]!)
    return second({ key: key.jwk }, [keys[0]!, key])
  },
  'a kid that is not the thumbprint of the key': () =>
    second({}, [keys[0]!, { ...keys[1]!, kid: keys[2]!.kid }]),
  'another alg in the header': () => second({}, undefined, { alg: 'RS512' }),
  'a typ of license tokens': () => second({}, undefined, { typ: 'JWT' }),
  'a header member that is not known': () => second({}, undefined, { later: true }),
  'a succession that revokes another key': () => second({ revoked: [keys[3]!.kid] }),
  'a succession that revokes its own key': () => second({ revoked: [keys[1]!.kid] }),
  'a succession that retires its own key': () => second({ retired: { [keys[1]!.kid]: start } }),
  'members in another order': async () => {
    const { iss, aud, ...others } = begun.next(keys[1]!)
    return [...begun.statements, await signStatement({ aud, iss, ...others }, [keys[0]!, keys[1]!])]
  },
  'white space in the payload': async () => {
    const text = JSON.stringify(begun.next(keys[1]!), null, 1)
    return [...begun.statements, await signStatement(text, [keys[0]!, keys[1]!])]
  },
  'a succession that changes the recovery set': async () => {
    const thief = { threshold: 1, kids: [keys[5]!.kid] }
    return (await guarded.rotate(keys[1]!, { recovery: thief })).statements
  },
  'a succession that drops the recovery set': async () =>
    (await guarded.rotate(keys[1]!, { recovery: null })).statements,
  'one recovery key of two': () => recoveredBy([recovery[0]!]),
  'the same recovery key twice': async () => {
    const { statements } = await guarded.recover(keys[1]!, [recovery[0]!])
    const last = statements.at(-1)!
    return [...statements.slice(0, -1), { ...last, signatures: [last.signatures[0]!, ...last.signatures] }]
  },
  'a recovery key that is none': () => recoveredBy([recovery[0]!, keys[5]!]),
  'a recovery key under the kid of another': async () => {
    const chain = await guarded.recover(keys[1]!, [recovery[0]!, { ...keys[5]!, kid: recovery[1]!.kid }])
    return chain.statements
  },
  'a recovery without the new key': async () => {
    const statement = await signStatement(guarded.next(keys[1]!), [], recovery)
    return [...guarded.statements, statement]
  },
  'no statement before it that a key of the program signed': async () => {
    const foreign = await TestChain.begin(keys[2]!)
    return (await foreign.rotate(keys[1]!)).statements
  },
  'a first statement that nobody else signed': async () => (await TestChain.begin(keys[1]!)).statements,
  'no statement but values of other types': async () => [null, 7, 'x', [], {}, { payload: 7 }] as never,
  'signatures of other types': async () =>
    ([null, 7, {}, [null], [7, { protected: 7 }]] as unknown[]).map((signatures) => ({
      payload: begun.statements[0]!.payload,
      signatures,
    })) as never,
  'a signature that is null before that of the outgoing key': async () => {
    const [first, { payload, signatures }] = (await second({})) as [Statement, Statement]
    return [first, { payload, signatures: [signatures[1]!, null as never, signatures[0]!] }]
  },
  'more than a thousand statements': async () => {
    const { statements } = await begun.rotate(keys[1]!)
    return [...statements, ...Array.from({ length: 999 }, () => statements[1]!)]
  },
}

for (const [name, statements] of Object.entries(attacks))
  test(`trust.json: is not followed to a key by ${name}`, async () => {
    const given = await statements()
    const server = trustServer({ v: 1, statements: given })
    const client = await openProgram(server, { publicKeys: keys[0]!.publicKeyPem })
    assert.equal(await enter(client, await tokenUnder(keys[0]!)), 'active')
    assert.notEqual(await enter(client, await tokenUnder(keys[1]!, { revision: 2 })), 'active')
    server.isUp = false
    const trust = server.body
    assert.notEqual(
      await enter(client, licenseFile({ v: 1, token: await tokenUnder(keys[1]!), trust })),
      'active',
    )
    assert.equal(client.license.state, 'active')
    server.isUp = true
    const isGuarded = JSON.stringify(given).includes(guarded.statements[1]!.payload)
    server.body = (await (isGuarded ? guarded : begun).rotate(keys[2]!)).file
    assert.equal(
      await enter(client, await tokenUnder(keys[2]!, { revision: 3 })),
      'active',
      'the true one later',
    )
  })

test('trust.json: the rows above fail for their own reasons, because the same statements without a fault lead on', async () => {
  const honest = [
    await begun.rotate(keys[1]!),
    await guarded.rotate(keys[1]!),
    await guarded.recover(keys[1]!, recovery),
  ]
  const later = [
    ...begun.statements,
    await signStatement({ ...begun.next(keys[1]!), later: {} }, [keys[0]!, keys[1]!]),
  ]
  for (const statements of [...honest.map((chain) => chain.statements), later]) {
    const client = await openProgram(trustServer({ v: 1, statements, later: 1 }), {
      publicKeys: keys[0]!.publicKeyPem,
    })
    assert.equal(await enter(client, await tokenUnder(keys[1]!)), 'active')
  }
})

test('trust.json: a recovery key counts once, though the set names it twice', async () => {
  const set = { threshold: 2, kids: [recovery[0]!.kid, recovery[0]!.kid] }
  const chain = await begun.add(keys[0]!, { recovery: set }, [keys[0]!])
  const next = await chain.recover(keys[1]!, [recovery[0]!])
  const client = await openProgram(trustServer(next.file), { publicKeys: keys[0]!.publicKeyPem })
  assert.notEqual(await enter(client, await next.token()), 'active')
})

test('trust.json: a recovery set of more than twenty keys is refused, because each is looked for among all signatures', async () => {
  const kids = Array.from({ length: 21 }, (_, at) => `${'A'.repeat(40)}${100 + at}`)
  const states = [20, 21].map(async (count) => {
    const recovery = { threshold: 1, kids: kids.slice(0, count) }
    const chain = await (await begun.add(keys[0]!, { recovery }, [keys[0]!])).rotate(keys[1]!)
    const client = await openProgram(trustServer(chain.file), { publicKeys: keys[0]!.publicKeyPem })
    return (await enter(client, await chain.token())) === 'active'
  })
  assert.deepEqual(await Promise.all(states), [true, false])
})

test('trust.json: the thief of a key cannot end an earlier key before the time at which it was left', async () => {
  const chain = await begun.rotate(keys[1]!)
  const thief = await chain.rotate(keys[2]!, { retired: { [keys[0]!.kid]: 0, [keys[1]!.kid]: 0 } })
  const client = await openProgram(trustServer(thief.file), { publicKeys: keys[0]!.publicKeyPem })
  assert.equal(await enter(client, await thief.token()), 'active')
  await client.clear()
  const before = await tokenUnder(keys[0]!, { iat: start + 200 })
  const after = await tokenUnder(keys[0]!, { iat: start + 201, revision: 2 })
  assert.equal(await enter(client, before), 'active')
  assert.match(await enter(client, after), /not valid/)
})

test('trust.json: a recovery key counts once, though the set names it in two spellings', async () => {
  const twice = [recovery[0]!, await respelt(recovery[0]!)]
  const chain = await (await begun.setRecovery(2, twice)).recover(keys[1]!, twice)
  const client = await openProgram(trustServer(chain.file), { publicKeys: keys[0]!.publicKeyPem })
  assert.notEqual(await enter(client, await chain.token()), 'active')
})

test('trust.json: a fault ends the walk, and what was accepted before it stands', async () => {
  const chain = await (await begun.rotate(keys[1]!)).rotate(keys[2]!)
  const broken = replaceLast(chain, await signStatement(payloadIn(chain.statements[2]!), [keys[2]!]))
  const client = await openProgram(trustServer({ v: 1, statements: broken }), {
    publicKeys: keys[0]!.publicKeyPem,
  })
  assert.equal(await enter(client, await tokenUnder(keys[1]!)), 'active')
  assert.notEqual(await enter(client, await tokenUnder(keys[2]!, { revision: 2 })), 'active')
})

test('trust.json: a key that was left does not come back in a cycle', async () => {
  const chain = await (await begun.rotate(keys[1]!)).rotate(keys[0]!, { retired: {} })
  const next = await chain.rotate(keys[2]!)
  const client = await openProgram(trustServer(next.file), { publicKeys: keys[0]!.publicKeyPem })
  assert.notEqual(await enter(client, await next.token()), 'active')
  assert.equal(await enter(client, await tokenUnder(keys[1]!)), 'active')
})

test('a program with two keys: the thief of one cannot revoke the other by a first statement of his own', async () => {
  const thief = await TestChain.begin(keys[0]!, { revoked: [keys[1]!.kid] })
  const publicKeys = [keys[0]!.publicKeyPem, keys[1]!.publicKeyPem]
  const client = await openProgram(trustServer(thief.file), { publicKeys })
  assert.notEqual(await enter(client, await tokenUnder(keys[2]!)), 'active')
  assert.equal(await enter(client, await tokenUnder(keys[1]!)), 'active')
})

test('a token under a revoked key is refused too if it names no key', async () => {
  const chain = await begun.compromise(keys[1]!)
  const client = await openProgram(trustServer(chain.file), { publicKeys: keys[0]!.publicKeyPem })
  const [, claims] = (await tokenUnder(keys[0]!, { revision: 2 })).split('.')
  const { CompactSign } = await import('jose')
  const nameless = await new CompactSign(Buffer.from(claims!, 'base64url'))
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .sign(keys[0]!.privateKey)
  assert.equal(await enter(client, nameless), 'active')
  assert.equal(await enter(client, await chain.token()), 'active')
  assert.notEqual(await enter(client, nameless), 'active')
})

test('a statement is no license token, and a license token is no statement', async () => {
  const [{ payload, signatures }] = begun.statements as [Statement]
  const { protected: header, signature } = signatures[0] as {
    readonly protected: string
    readonly signature: string
  }
  const client = await openProgram(trustServer(begun.file), { publicKeys: keys[0]!.publicKeyPem })
  assert.match(
    await enter(client, `${header}.${payload}.${signature}`),
    /not valid for this program|no license token/,
  )
  const [tokenHeader, claims, ofToken] = (await tokenUnder(keys[0]!)).split('.')
  const asStatement = { payload: claims, signatures: [{ protected: tokenHeader, signature: ofToken }] }
  const { statements } = await begun.rotate(keys[1]!)
  for (const given of [
    [asStatement, ...statements.slice(1)],
    [...begun.statements, asStatement],
  ]) {
    const other = await openProgram(trustServer({ v: 1, statements: given }), {
      publicKeys: keys[0]!.publicKeyPem,
    })
    const conflicts = conflictsOf(other)
    assert.equal(await enter(other, await tokenUnder(keys[0]!)), 'active')
    assert.notEqual(await enter(other, await tokenUnder(keys[5]!, { revision: 2 })), 'active')
    assert.deepEqual(conflicts, [])
  }
})

test('trust.json: at most four megabytes are read', async () => {
  const chain = await begun.rotate(keys[1]!)
  for (const [length, expected] of [
    [3_900_000, true],
    [4_100_000, false],
  ] as const) {
    const body = JSON.stringify({ ...chain.file, later: '' })
    const server = trustServer(body.replace('"later":""', `"later":"${'x'.repeat(length - body.length)}"`))
    const client = await openProgram(server, { publicKeys: keys[0]!.publicKeyPem })
    assert.equal((await enter(client, await chain.token())) === 'active', expected, `${length}`)
  }
})
