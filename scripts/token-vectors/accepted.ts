import { maxTokenLength } from '../../src/core/token/token.ts'
import { large, own, second, signed } from './signing.ts'
import {
  accepted,
  claims,
  day,
  issued,
  now,
  payload,
  tokenOf,
  tokenUnder,
  tokenWith,
  type Reader,
  type Vector,
} from './vector.ts'

type Changes = NonNullable<Parameters<typeof accepted>[2]>

/** The vector of a token with these claims, which are all known. */
function good(name: string, changes: Changes, reader?: Reader): Vector {
  return accepted(name, tokenWith(changes), changes, reader)
}

/** The vector of a token with these claims beside the known ones, which its reader ignores. */
function ignoring(name: string, unknown: Readonly<Record<string, unknown>>): Vector {
  return accepted(name, tokenWith(unknown))
}

const base = claims.jti.slice(0, 30)

/** The longest token: its last claim fills it up. */
function longest(): string {
  const rest = tokenWith({ filling: '' }).length
  const characters = Math.floor(((maxTokenLength - rest) * 3) / 4) - 1
  for (let filling = characters; ; filling++) {
    const token = tokenWith({ filling: 'x'.repeat(filling) })
    if (token.length === maxTokenLength) return token
    if (token.length > maxTokenLength) throw new Error('No filling gives the longest token')
  }
}

const licenses = [
  good('a license with an end', {}),
  good('a license without end', { exp: undefined }),
  good('a license without features', { features: [] }),
  good('a license with forty features', { features: Array.from({ length: 40 }, (_, at) => `feature_${at}`) }),
  good('a license with limits', { limits: { seats: 5, projects: 0, rows: Number.MAX_SAFE_INTEGER } }),
  good('limits without a name in them', { limits: {} }),
  good('limits whose names are numbers', { limits: { 7: 1, 2027: 2, seats: 3 } }),
  good('limits with names of every object’s members', {
    limits: JSON.parse('{"constructor":1,"toString":2,"__proto__":3}') as object,
  }),
  good('the highest revision', { jti: `${base}zzzzzzz${claims.jti.slice(37)}` }),
  good('texts beyond ASCII', { tier: 'größe-日本-🔑', features: ['à_la_carte', '\u2028', '\u007f'] }),
  good('texts with every character that JSON escapes', {
    tier: '"\\\b\f\n\r\t\u0000\u001f',
    features: ['a/b'],
  }),
  good('empty texts', { tier: '', customer_id: '', features: [''] }),
]

const times = [
  good('one second before its end', {}, { now: claims.exp! - 1 }),
  good('issued in the first second of 1970', { iat: 0 }),
  good('an end in the last second of the year 9999', { exp: 253_402_300_799 }),
  good('issued 300 seconds ahead of the reader’s clock', {}, { now: issued - 300 }),
  good('an end of the updates, for a program without a release date', { updates_until: issued - day }),
  good(
    'an end of the updates later than the release',
    { updates_until: issued },
    { releasedAt: issued - day },
  ),
  good('a release in the last second of the updates', { updates_until: issued }, { releasedAt: issued }),
  good('a release date, for a license that covers all versions', {}, { releasedAt: now + 365 * day }),
]

const signedByOther = (key: typeof own, header?: object): string =>
  signed({ payload, key, ...(header && { header }) })

const keys = [
  accepted('a key of 4096 bits', signedByOther(large), {}, { keys: [large] }),
  accepted('the first of two keys', tokenOf(payload), {}, { keys: [own, second] }),
  accepted('the second of two keys', signedByOther(second), {}, { keys: [own, second] }),
  accepted('no kid in the header', tokenUnder({ kid: undefined })),
  accepted(
    'no kid in the header, and the second of two keys',
    signedByOther(second, { alg: 'RS256', typ: 'JWT' }),
    {},
    { keys: [large, second] },
  ),
  accepted(
    'the members of the header in another order',
    signedByOther(own, { kid: own.kid, typ: 'JWT', alg: 'RS256' }),
  ),
]

const readers = [
  good('another app', { aud: 'app-2' }, { app: 'app-2' }),
  good(
    'another issuer',
    { iss: 'https://licenses.example.com/ü' },
    { issuer: 'https://licenses.example.com/ü' },
  ),
]

const others = [
  ignoring('unknown claims of every type', { a: null, b: true, c: [1, 'two', [], {}], d: { e: {} }, '': '' }),
  ignoring('unknown claims with numbers', {
    a: 0,
    b: -1,
    c: 0.5,
    d: 9007199254740991,
    e: 1e21,
    f: 1e-7,
    g: -2.25,
  }),
  ignoring('unknown claims whose names are nearly known', { Exp: 1, 'exp ': 1, expires_at: 1, Features: [] }),
  ignoring('the claim nbf, which is no claim of a license', { nbf: now + day }),
  ignoring('members of a header as claims', { alg: 'none', kid: 'x', crit: ['exp'] }),
  ignoring('reserved claims', {
    lease: 604800,
    floating: true,
    license_exp: 1,
    trial: true,
    status: {},
    cnf: {},
  }),
  ignoring('half of a surrogate pair, escaped', { '\ud800': '\udc00' }),
  ignoring('a member __proto__ with claims in it', JSON.parse('{"__proto__":{"exp":1,"features":[]}}') as {}),
  accepted('unknown claims before the known ones', tokenOf(`{"1":1,"20":2,"first":3,${payload.slice(1)}`)),
  accepted(
    'known claims in another order',
    tokenOf(JSON.stringify(Object.fromEntries(Object.entries(claims).reverse()))),
  ),
  accepted(
    'a payload 32 levels deep',
    tokenOf(`${payload.slice(0, -1)},"d":${'['.repeat(31)}${']'.repeat(31)}}`),
  ),
  accepted('the longest token: 32,768 characters', longest()),
]

/** The vectors that a reader accepts. */
export const acceptedVectors: readonly Vector[] = [...licenses, ...times, ...keys, ...readers, ...others]
