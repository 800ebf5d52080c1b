import { maxTokenLength } from '../../src/core/token/token.ts'
import {
  encode,
  foreign,
  headerOf,
  inputOf,
  large,
  own,
  paddedDigest,
  plusModulus,
  pssDigest,
  second,
  signed,
  withBlock,
  withHmac,
  withSignature,
  type VectorKey,
} from './signing.ts'
import {
  claims,
  day,
  issued,
  now,
  payload,
  refused,
  tokenOf,
  tokenUnder,
  tokenWith,
  type Reader,
  type Vector,
} from './vector.ts'

const good = tokenOf(payload)
const [header = '', body = '', signature = ''] = good.split('.')
const input = `${header}.${body}`

/** The input of a token whose header has some members changed. */
function inputUnder(changes: Readonly<Record<string, unknown>>): string {
  return inputOf({ header: { ...headerOf(own), ...changes }, payload, key: own })
}

function late(name: string, code: string, changes: object, reader: Reader): Vector {
  return refused(name, tokenWith({ ...changes }), reader, code)
}

const times = [
  late('in the second of its end', 'token_expired', {}, { now: claims.exp! }),
  late('a year after its end', 'token_expired', {}, { now: claims.exp! + 365 * day }),
  late('an end in the first second of 1970', 'token_expired', { exp: 0 }, {}),
  late('ended, and issued in the future', 'token_expired', { exp: now, iat: now + day }, {}),
  late(
    'ended, for a version that was not covered',
    'token_expired',
    { exp: now, updates_until: 1 },
    { releasedAt: 2 },
  ),
  late('issued 301 seconds ahead of the reader’s clock', 'invalid_token', {}, { now: issued - 301 }),
  late(
    'a release one second after the updates',
    'version_not_covered',
    { updates_until: issued },
    {
      releasedAt: issued + 1,
    },
  ),
  late(
    'a release after the updates of a license without end',
    'version_not_covered',
    { exp: undefined, updates_until: 0 },
    { releasedAt: now },
  ),
]

const algorithms = [
  refused('alg: none, without a signature', `${inputUnder({ alg: 'none' })}.`),
  refused('alg: none, with a signature', tokenUnder({ alg: 'none' })),
  refused('alg: None', `${inputUnder({ alg: 'None' })}.`),
  refused('alg: HS256 under the public key as PEM', withHmac(inputUnder({ alg: 'HS256' }), own.pem)),
  refused(
    'alg: HS256 under the public key as PEM, trimmed',
    withHmac(inputUnder({ alg: 'HS256' }), own.pem.trim()),
  ),
  refused(
    'alg: HS256 under the modulus',
    withHmac(inputUnder({ alg: 'HS256' }), Buffer.from(own.jwk.n!, 'base64url')),
  ),
  refused('alg: HS256 under an empty secret', withHmac(inputUnder({ alg: 'HS256' }), '')),
  refused('alg: RS256, but an HMAC under the public key', withHmac(input, own.pem)),
  refused('alg: RS384', withSignature(inputUnder({ alg: 'RS384' }), own, 'sha384')),
  refused('alg: RS512', withSignature(inputUnder({ alg: 'RS512' }), own, 'sha512')),
  refused(
    'alg: PS256',
    withBlock(inputUnder({ alg: 'PS256' }), own, pssDigest(inputUnder({ alg: 'PS256' }))),
  ),
  refused('alg: RS256, but signed with PS256', withBlock(input, own, pssDigest(input))),
  refused('alg: RS256, but signed with SHA-384', withSignature(input, own, 'sha384')),
  refused('alg: RS256, but signed with SHA-1', withSignature(input, own, 'sha1')),
  refused('alg: ES256', tokenUnder({ alg: 'ES256' })),
  refused('alg: EdDSA', tokenUnder({ alg: 'EdDSA' })),
  refused('alg: rs256 in lower case', tokenUnder({ alg: 'rs256' })),
  refused('alg: a list', tokenUnder({ alg: ['RS256'] })),
  refused('alg: null', tokenUnder({ alg: null })),
  refused('alg: missing', tokenUnder({ alg: undefined })),
]

const keys = [
  refused('kid: of no key that the reader trusts', signed({ payload, key: foreign })),
  refused(
    'kid: of a trusted key, but another key signed',
    signed({ header: headerOf(own), payload, key: foreign }),
  ),
  refused(
    'kid: of another trusted key than the one that signed',
    signed({ header: headerOf(second), payload, key: own }),
    {
      keys: [own, second],
    },
  ),
  refused(
    'kid: missing, and a foreign key',
    signed({ header: { alg: 'RS256', typ: 'JWT' }, payload, key: foreign }),
  ),
  refused('kid: a path', tokenUnder({ kid: `../../keys/${own.kid}` })),
  refused('kid: a path to an empty file', tokenUnder({ kid: '/dev/null' })),
  refused('kid: a query of a database', tokenUnder({ kid: "' OR '1'='1" })),
  refused('kid: in upper case', tokenUnder({ kid: own.kid.toUpperCase() })),
  refused('kid: its beginning', tokenUnder({ kid: own.kid.slice(0, 20) })),
  refused('kid: empty', tokenUnder({ kid: '' })),
  refused('kid: a null after it', tokenUnder({ kid: `${own.kid}\0` })),
  refused('kid: a number', tokenUnder({ kid: 0 })),
  refused('kid: null', tokenUnder({ kid: null })),
  refused('kid: a list', tokenUnder({ kid: [own.kid] })),
  refused('kid: __proto__', tokenUnder({ kid: '__proto__' })),
  refused(
    'jwk: the key that signed',
    signed({ header: { ...headerOf(foreign), jwk: foreign.jwk }, payload, key: foreign }),
  ),
  refused('jwk: the trusted key', tokenUnder({ jwk: own.jwk })),
  refused('jku', tokenUnder({ jku: 'https://licenses.example.com/api/v1/apps/desktop-app/jwks.json' })),
  refused('x5u', tokenUnder({ x5u: 'https://licenses.example.com/chain.pem' })),
  refused('x5c', tokenUnder({ x5c: ['MIIB'] })),
  refused('a key of 4096 bits that is not trusted', signed({ payload, key: large })),
]

const headers = [
  refused('typ: missing', tokenUnder({ typ: undefined })),
  refused('typ: jwt in lower case', tokenUnder({ typ: 'jwt' })),
  refused('typ: keystatement+jwt', tokenUnder({ typ: 'keystatement+jwt' })),
  refused('typ: checkpoint+jwt', tokenUnder({ typ: 'checkpoint+jwt' })),
  refused('typ: statuslist+jwt', tokenUnder({ typ: 'statuslist+jwt' })),
  refused('typ: null', tokenUnder({ typ: null })),
  refused('crit: a claim that is there', tokenUnder({ crit: ['exp'] })),
  refused('crit: an empty list', tokenUnder({ crit: [] })),
  refused('b64: false, with its crit', tokenUnder({ b64: false, crit: ['b64'] })),
  refused('zip', tokenUnder({ zip: 'DEF' })),
  refused('cty', tokenUnder({ cty: 'JWT' })),
  refused('an unknown member of the header', tokenUnder({ later: 1 })),
  refused('an unknown member of the header that is null', tokenUnder({ later: null })),
]

const rawHeader = (name: string, text: string | Uint8Array): Vector =>
  refused(name, signed({ header: text, payload, key: own }))
const { kid } = own

const headerTexts = [
  rawHeader('a header with alg twice, first none', `{"alg":"none","alg":"RS256","typ":"JWT","kid":"${kid}"}`),
  rawHeader('a header with alg twice, then none', `{"alg":"RS256","alg":"none","typ":"JWT","kid":"${kid}"}`),
  rawHeader('a header with white space', `{"alg": "RS256","typ":"JWT","kid":"${kid}"}`),
  rawHeader('a header with a line break at its end', `{"alg":"RS256","typ":"JWT","kid":"${kid}"}\n`),
  rawHeader('a header with an escaped letter', `{"\\u0061lg":"RS256","typ":"JWT","kid":"${kid}"}`),
  rawHeader('a header after a byte order mark', `\ufeff{"alg":"RS256","typ":"JWT","kid":"${kid}"}`),
  rawHeader('a header that is a list', `["RS256","JWT","${kid}"]`),
  rawHeader('a header that is text', '"RS256"'),
  rawHeader('a header that is null', 'null'),
  rawHeader('an empty object as the header', '{}'),
  rawHeader(
    'a header with a byte that is not UTF-8',
    Buffer.from('{"alg":"RS256","typ":"JWT","kid":"\xff"}', 'latin1'),
  ),
  rawHeader('a header in UTF-16', Buffer.from(`{"alg":"RS256","typ":"JWT","kid":"${kid}"}`, 'utf16le')),
]

const apps = [
  refused('for another app', tokenWith({ aud: 'other-app' })),
  refused('for an app in upper case', tokenWith({ aud: 'Desktop-App' })),
  refused('for an app with a space after it', tokenWith({ aud: 'desktop-app ' })),
  refused('for a list with the app', tokenWith({ aud: ['desktop-app'] })),
  refused('of another issuer', tokenWith({ iss: 'other-server' })),
  refused('of an issuer with a slash after it', tokenWith({ iss: 'license-server/' })),
  refused('of the app as issuer, for the issuer as app', tokenWith({ aud: claims.iss, iss: claims.aud })),
]

/** A token whose signature begins with a zero byte, which a careless reader may add or leave out. */
function withLeadingZero(): string {
  for (let nonce = leadingZero; ; nonce++) {
    const token = tokenWith({ nonce })
    if (Buffer.from(token.split('.')[2]!, 'base64url')[0] === 0) return token
  }
}

/** The nonce of such a token. From there on it need not be looked for. */
const leadingZero = 0

function signatureAndModulus(): string {
  for (let nonce = 0; ; nonce++) {
    const token = plusModulus(tokenWith({ nonce }), own)
    if (token !== null) return token
  }
}

function withoutLeadingZero(token: string): string {
  const [head, content, text = ''] = token.split('.')
  return `${head}.${content}.${Buffer.from(text, 'base64url').subarray(1).toString('base64url')}`
}

const zeros = (count: number): string => encode(Buffer.alloc(count))
const flipped = (text: string, at: number): string => {
  const bytes = Buffer.from(text, 'base64url')
  bytes[at]! ^= 1
  return bytes.toString('base64url')
}
const changed = (changes: object): string => encode({ ...claims, ...changes })

const signatures = [
  refused('a payload with another tier', `${header}.${changed({ tier: 'enterprise' })}.${signature}`),
  refused(
    'a payload with one more feature',
    `${header}.${changed({ features: [...claims.features, 'all'] })}.${signature}`,
  ),
  refused('a payload with a later end', `${header}.${changed({ exp: claims.exp! + 1 })}.${signature}`),
  refused('a payload without its end', `${header}.${changed({ exp: undefined })}.${signature}`),
  refused(
    'a header without its kid, after signing',
    `${encode({ alg: 'RS256', typ: 'JWT' })}.${body}.${signature}`,
  ),
  refused('the signature of another token', `${input}.${tokenWith({ tier: 'free' }).split('.')[2]}`),
  refused('a bit changed in the first byte of the signature', `${input}.${flipped(signature, 0)}`),
  refused('a bit changed in the last byte of the signature', `${input}.${flipped(signature, 255)}`),
  refused('a signature of zeros', `${input}.${zeros(256)}`),
  refused('a signature of the number one', `${input}.${encode(Buffer.from([...Buffer.alloc(255), 1]))}`),
  refused('the modulus as the signature', `${input}.${own.jwk.n}`),
  refused('a signature plus the modulus', signatureAndModulus()),
  refused(
    'a zero byte before the signature',
    `${input}.${encode(Buffer.concat([Buffer.alloc(1), Buffer.from(signature, 'base64url')]))}`,
  ),
  refused(
    'a zero byte after the signature',
    `${input}.${encode(Buffer.concat([Buffer.from(signature, 'base64url'), Buffer.alloc(1)]))}`,
  ),
  refused('a signature without its first byte, a zero', withoutLeadingZero(withLeadingZero())),
  refused(
    'a padding that is too short, with bytes after the digest',
    withBlock(input, own, paddedDigest(input, 1, 8)),
  ),
  refused('a padding of the type for encryption', withBlock(input, own, paddedDigest(input, 2, 202))),
  refused('a padding of type 0', withBlock(input, own, paddedDigest(input, 0, 202))),
]

const beginOf = (text: string, part: number): string => text.slice(0, Math.floor(text.length * part))

const structures = [
  refused('an empty text', ''),
  refused('two dots alone', '..'),
  refused('a text without dots', header),
  refused('cut off in the header', beginOf(header, 0.5)),
  refused('cut off after the header', `${header}.`),
  refused('cut off in the payload', `${header}.${beginOf(body, 0.5)}`),
  refused('cut off after the payload', input),
  refused('cut off before the signature', `${input}.`),
  refused('cut off in the signature', `${input}.${beginOf(signature, 0.5)}`),
  refused('cut off before its last character', good.slice(0, -1)),
  refused('without its first character', good.slice(1)),
  refused('no header', `.${body}.${signature}`),
  refused('no payload', `${header}..${signature}`),
  refused('an empty payload that is signed', tokenOf('')),
  refused('four parts', `${good}.${signature}`),
  refused('five parts, as an encrypted token has', `${header}.${body}.${signature}.${body}.${signature}`),
  refused('a dot after it', `${good}.`),
  refused('a dot before it', `.${good}`),
  refused('the parts in another order', `${body}.${header}.${signature}`),
  refused('the JSON form of the token', JSON.stringify({ protected: header, payload: body, signature })),
  refused('one character too long: 32,769 characters', tooLong()),
]

/** A token that its key has signed, one character longer than a reader takes. */
function tooLong(): string {
  for (let filling = 23_000; ; filling++) {
    const token = tokenWith({ filling: 'x'.repeat(filling) })
    if (token.length === maxTokenLength + 1) return token
    if (token.length > maxTokenLength + 1) throw new Error('No filling gives this length')
  }
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The text with a bit set that decoding leaves out. */
function withUnusedBit(text: string): string {
  if (text.length % 4 === 0) throw new Error('This text has no unused bits')
  return text.slice(0, -1) + alphabet[alphabet.indexOf(text.at(-1)!) + 1]
}

function signedAs(head: string, content: string, key: VectorKey = own): string {
  return withSignature(`${head}.${content}`, key)
}

/** A payload whose encoded text has unused bits, as that of the header has. */
const uneven = [changed({ a: 1 }), changed({ a: 10 })].find((text) => text.length % 4 !== 0)!

/** Claims in the alphabet of plain base64, in which they have both of its other characters. */
function standard(changes: object): string {
  const text = Buffer.from(JSON.stringify({ ...claims, ...changes }))
    .toString('base64')
    .replaceAll('=', '')
  if (!text.includes('+') || !text.includes('/')) throw new Error('These claims spell no other characters')
  return text
}

const spellings = [
  refused('padding after the signature', `${good}==`),
  refused(
    'padding after the payload, signed so',
    signedAs(header, uneven + '='.repeat(4 - (uneven.length % 4))),
  ),
  refused(
    'padding after the header, signed so',
    signedAs(header + '='.repeat(4 - (header.length % 4)), body),
  ),
  refused('an unused bit of the header, signed so', signedAs(withUnusedBit(header), body)),
  refused('an unused bit of the payload, signed so', signedAs(header, withUnusedBit(uneven))),
  refused('an unused bit of the signature', `${input}.${withUnusedBit(signature)}`),
  refused(
    'a single character too many in the payload, signed so',
    signedAs(header, `${body.slice(0, body.length - (body.length % 4))}A`),
  ),
  refused('white space after it', `${good} `),
  refused('a line break after it', `${good}\n`),
  refused('white space before it', ` ${good}`),
  refused('a line break in the signature', `${input}.${signature.slice(0, 64)}\n${signature.slice(64)}`),
  refused(
    'a line break in the payload, signed so',
    signedAs(header, `${body.slice(0, 64)}\r\n${body.slice(64)}`),
  ),
  refused('a space in the header, signed so', signedAs(`${header.slice(0, 8)} ${header.slice(8)}`, body)),
  refused('+ and / in the signature', `${input}.${signature.replaceAll('-', '+').replaceAll('_', '/')}`),
  refused(
    '+ and / in the payload, signed so',
    signedAs(header, standard({ a: `${'~'.repeat(6)}${'?'.repeat(6)}` })),
  ),
  refused('a percent sign for the dot', good.replace('.', '%2E')),
  refused('ideographic full stops for the dots', good.replaceAll('.', '\u3002')),
  refused('a letter of full width', good.replace('e', '\uff45')),
  refused('a null in the signature', `${input}.${signature.slice(0, 9)}\0${signature.slice(9)}`),
  refused(
    'an invisible character in the signature',
    `${input}.${signature.slice(0, 9)}\u200b${signature.slice(9)}`,
  ),
  refused('quotation marks around it', `"${good}"`),
  refused('Bearer before it', `Bearer ${good}`),
  refused('in upper case', good.toUpperCase()),
]

/** The vectors that a reader refuses for their time, key, header, app, signature or form. */
export const refusedTokens: readonly Vector[] = [
  ...[...times, ...algorithms, ...keys, ...headers, ...headerTexts],
  ...[...apps, ...signatures, ...structures, ...spellings],
]
