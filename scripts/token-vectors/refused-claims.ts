import { own, signed } from './signing.ts'
import { claims, payload, refused, tokenOf, tokenWith, type Vector } from './vector.ts'

const inner = payload.slice(1, -1)

/** The vector of a token whose key has signed this payload. */
function ofText(name: string, text: string | Uint8Array): Vector {
  return refused(name, tokenOf(text))
}

/** The vector of a payload with this text after the claims. */
function withMember(name: string, text: string): Vector {
  return ofText(name, `{${inner},${text}}`)
}

/** The payload as bytes, with one more claim whose text has these bytes. */
function withBytes(bytes: readonly number[]): Uint8Array {
  return Buffer.concat([Buffer.from(`{${inner},"later":"`), Buffer.from(bytes), Buffer.from('"}')])
}

const { exp } = claims

const members = [
  ofText('exp twice, first the later', `{${inner.replace(/"exp":\d+/, `"exp":9999999999,"exp":${exp}`)}}`),
  ofText('exp twice, then the later', `{${inner.replace(/"exp":\d+/, `"exp":${exp},"exp":9999999999`)}}`),
  withMember('exp again, with an escaped letter', '"e\\u0078p":9999999999'),
  withMember('features again, after all claims', '"features":["everything"]'),
  withMember('an unknown claim twice', '"later":1,"later":1'),
  withMember('a member twice inside an unknown claim', '"later":{"a":1,"a":1}'),
  withMember('__proto__ twice', '"__proto__":1,"__proto__":1'),
  withMember('names of numbers after the claims', '"1":1'),
  ofText('names of numbers in falling order', `{"2":1,"1":1,${inner}}`),
]

const texts = [
  ofText('white space after a colon', payload.replace('":', '": ')),
  ofText('white space around the payload', ` ${payload}\n`),
  withMember('white space inside an unknown claim', '"later":[1, 2]'),
  withMember('a comma after the last item', '"later":[1,]'),
  ofText('a comma after the last claim', `{${inner},}`),
  ofText('a second object after the claims', `${payload}{}`),
  ofText('a comment', `{/**/${inner}}`),
  ofText('no closing brace', `{${inner}`),
  ofText('names in single quotation marks', `{${inner.replaceAll('"', "'")}}`),
  ofText('names without quotation marks', `{${inner},later:1}`),
  ofText('a list of the claims', `[${payload}]`),
  ofText('the claims as text', JSON.stringify(payload)),
  ofText('null for the claims', 'null'),
  ofText('a number for the claims', '1'),
  ofText('no claims', '{}'),
  ofText('a payload after a byte order mark', `\ufeff${payload}`),
  ofText('a payload in UTF-16', Buffer.from(payload, 'utf16le')),
  ofText('a payload 33 levels deep', `{${inner},"d":${'['.repeat(32)}${']'.repeat(32)}}`),
  ofText('objects 33 levels deep', `{${inner},"d":${'{"":'.repeat(32)}1${'}'.repeat(32)}}`),
  ofText('a payload 5,000 levels deep', `{${inner},"d":${'['.repeat(5000)}${']'.repeat(5000)}}`),
  ofText('5,000 levels that nothing closes', `{${inner},"d":${'['.repeat(5000)}`),
]

const escapes = [
  withMember('an escaped letter', '"later":"\\u0061"'),
  withMember('an escaped slash', '"later":"\\/"'),
  withMember('an escape in upper case', '"later":"\\u001F"'),
  withMember('a long escape for a line break', '"later":"\\u000a"'),
  withMember('an escape that JSON does not have', '"later":"\\x41"'),
  withMember('an escape that is cut short', '"later":"\\u00"'),
  withMember('an escape with a sign in it', '"later":"\\u+01f"'),
  withMember('an escape for a character beyond ASCII', '"later":"\\u00e9"'),
  withMember('an escape for a line separator', '"later":"\\u2028"'),
  withMember('an escaped surrogate pair', '"later":"\\ud83d\\udd11"'),
  withMember('half of a surrogate pair, escaped in upper case', '"later":"\\uD800"'),
  withMember('a line break inside a text', '"later":"\n"'),
  withMember('a null inside a text', '"later":"\0"'),
  withMember('a text that nothing closes', '"later":"text'),
  ofText('a byte that is no UTF-8', withBytes([0xff])),
  ofText('a character that is cut short', withBytes([0xe2, 0x82])),
  ofText('an overlong form of a slash', withBytes([0xc0, 0xaf])),
  ofText('half of a surrogate pair as bytes', withBytes([0xed, 0xa0, 0x80])),
  ofText('a surrogate pair as bytes', withBytes([0xed, 0xa0, 0xbd, 0xed, 0xb4, 0x91])),
  ofText('a character beyond the last', withBytes([0xf4, 0x90, 0x80, 0x80])),
]

const numberTexts = [
  '1.0',
  '1e3',
  '-0',
  '01',
  '+1',
  '.5',
  '1.',
  '0x1',
  '1E+21',
  '1e21',
  'NaN',
  'Infinity',
  '1e400',
  '--1',
  '1_0',
]
const bigNumbers = ['9007199254740993', '100000000000000000000000', '0.10000000000000000001', '1'.repeat(400)]

const numbers = [...numberTexts, ...bigNumbers].map((text) =>
  withMember(`a number spelled ${text.length < 30 ? text : 'with 400 digits'}`, `"later":${text}`),
)

/** Values that a claim of this name must not have. `undefined` stands for a missing claim. */
const wrong: Readonly<Record<string, readonly unknown[]>> = {
  sub: [undefined, null, 1],
  aud: [undefined, true],
  iss: [undefined, null],
  lic_id: [undefined, ['x']],
  tier: [undefined, null, {}],
  customer_id: [undefined, 7],
  features: [undefined, null, 'api_access', {}, [1], [null], [['api_access']], ['api_access', 7]],
  iat: [undefined, null, `${claims.iat}`, 1.5, -1, true, [claims.iat], claims.iat * 1000, 1e21],
  exp: [null, `${exp}`, exp! + 0.5, -1, false, [exp], exp! * 1000, 253_402_300_800, {}],
  limits: [
    null,
    [],
    'seats',
    { seats: -1 },
    { seats: 1.5 },
    { seats: '5' },
    { seats: null },
    { seats: 2 ** 53 },
    { a: 1, b: [] },
  ],
  updates_until: [null, '1', 1.5, -1, 253_402_300_800],
}

const types = Object.entries(wrong).flatMap(([name, values]) =>
  values.map((value) => {
    const shown = value === undefined ? 'missing' : JSON.stringify(value)
    return refused(`the claim ${name}: ${shown}`, tokenWith({ [name]: value }))
  }),
)

const { jti } = claims

const jtis: Readonly<Record<string, unknown>> = {
  missing: undefined,
  null: null,
  'a number': 1,
  empty: '',
  'in upper case': jti.toUpperCase(),
  'without its prefix': jti.slice(4),
  'of another prefix': jti.replace('lic', 'key'),
  'the id alone': jti.slice(0, 30),
  'a character too short': jti.slice(0, -1),
  'a character too long': `${jti}0`,
  'a line break after it': `${jti}\n`,
  'a letter that base32 leaves out': jti.replace(/e$/, 'u'),
  'a UUID beyond 128 bits': jti.replace('lic_0', 'lic_8'),
  'a UUID of no version': jti.slice(0, 14) + '0' + jti.slice(15),
}

const ids = Object.entries(jtis).map(([name, value]) =>
  refused(`the claim jti: ${name}`, tokenWith({ jti: value })),
)

const hidden = [
  ofText('known claims inside __proto__ alone', `{"__proto__":${payload}}`),
  ofText('known claims inside an unknown one', `{"claims":${payload}}`),
  refused(
    'no claim but the app and the issuer',
    signed({ payload: { aud: claims.aud, iss: claims.iss }, key: own }),
  ),
]

/** The vectors of tokens with a right signature, which a reader refuses for their payload. */
export const refusedClaims: readonly Vector[] = [
  ...[...members, ...texts, ...escapes, ...numbers],
  ...[...types, ...ids, ...hidden],
]
