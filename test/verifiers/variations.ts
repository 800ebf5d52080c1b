import { headerOf, own, second, signed, withSignature } from '../../scripts/token-vectors/signing.ts'
import { claims, now, payload } from '../../scripts/token-vectors/vector.ts'
import type { Case } from './languages.ts'

/** Numbers below `limit` in an order that a seed fixes (mulberry32). */
type Dice = (limit: number) => number

function diceOf(seed: number): Dice {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

function pick<Item>(dice: Dice, items: readonly Item[]): Item {
  return items[dice(items.length)]!
}

/** Pieces of JSON on which readers differ. */
const pieces: readonly string[] = [
  ...[
    '"',
    '\\',
    '\\u0000',
    '\\u001f',
    '\\u001F',
    '\\u0061',
    '\\ud800',
    '\\udc00',
    '\\ud83d\\udd11',
    '\\/',
    '\\n',
  ],
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    ' ',
    '\n',
    '\t',
    '\0',
    '\u007f',
    '\u2028',
    '\ufeff',
    '\ufffd',
    'é',
    '🔑',
    "'",
  ],
  ...[
    '0',
    '-0',
    '1.0',
    '1e3',
    '1E3',
    '1e+21',
    '1e21',
    '1e-7',
    '0.1',
    '.5',
    '9007199254740993',
    '1e400',
    '-1',
    '+1',
  ],
  ...[
    'null',
    'true',
    'false',
    'NaN',
    'nul',
    '""',
    '[]',
    '{}',
    '"a":1',
    ',"exp":1',
    ',"1":1',
    ',"__proto__":{}',
  ],
  ...[
    '"4294967294":1,"4294967295":2,',
    '"4294967295":2,"4294967294":1,',
    '"01":1,',
    '"2":1,"10":1,',
    '"10":1,"2":1,',
  ],
  ...[
    '0.30000000000000004',
    '123456789012345680000',
    '5e-324',
    '2.2250738585072014e-308',
    '5.960464477539063e-8',
  ],
  ...[
    '5.9604644775390625e-8',
    '1.7976931348623157e+308',
    '0.000001',
    '1e-6',
    '18446744073709552000',
    '18446744073709551616',
  ],
]

function randomNumber(dice: Dice): number {
  const view = new DataView(new ArrayBuffer(8))
  view.setUint32(0, dice(2 ** 32))
  view.setUint32(4, dice(2 ** 32))
  const double = view.getFloat64(0)
  const plain = [
    dice(100) - 50,
    dice(2 ** 32) * dice(2 ** 21),
    dice(1e6) / 1000,
    2 ** (dice(200) - 100),
    dice(1e6) / 2 ** 30,
  ]
  return pick(dice, [...plain, Number.isFinite(double) ? double : 0])
}

function randomText(dice: Dice): string {
  const units = [
    0x41,
    0x20,
    0x22,
    0x5c,
    0x2f,
    dice(0x20),
    dice(0x80),
    dice(0x800),
    0xd800 + dice(0x800),
    dice(0x10000),
  ]
  return Array.from({ length: dice(6) }, () => String.fromCharCode(pick(dice, units))).join('')
}

function randomName(dice: Dice): string {
  return pick(dice, [
    randomText(dice),
    `${dice(40)}`,
    `${2 ** 32 - 4 + dice(6)}`,
    `0${dice(9)}`,
    pick(dice, Object.keys(claims)),
  ])
}

/** A value as a later version may put it into a claim. */
function randomValue(dice: Dice, depth: number): unknown {
  const kind = dice(depth > 0 ? 6 : 4)
  if (kind === 0) return randomNumber(dice)
  if (kind === 1) return randomText(dice)
  if (kind === 2) return pick(dice, [null, true, false, '', 0])
  if (kind === 3) return dice(1000)
  const items = Array.from({ length: dice(4) }, () => randomValue(dice, depth - 1))
  if (kind === 4) return items
  return Object.fromEntries(items.map((item) => [randomName(dice), item]))
}

/** The text with one to three small faults. */
function mutated(dice: Dice, text: string): string {
  let result = text
  for (let count = 1 + dice(3); count > 0; count--) {
    const at = dice(result.length + 1)
    const length = pick(dice, [0, 0, 1, 1, dice(8)])
    const repeated = result.slice(at, at + dice(40))
    const added = pick(dice, [
      pick(dice, pieces),
      pick(dice, pieces),
      '',
      repeated,
      String.fromCharCode(dice(128)),
    ])
    result = result.slice(0, at) + added + result.slice(at + length)
  }
  return result
}

/** A value in place of a claim's own. */
function withOddClaim(dice: Dice): string {
  const name = pick(dice, [...Object.keys(claims), 'limits', 'updates_until'])
  const numbers = [0, -1, 1.5, now, 253_402_300_799, 253_402_300_800, 2 ** 53 - 1, 2 ** 53]
  const value = pick(dice, [
    pick(dice, numbers),
    randomValue(dice, 2),
    { seats: pick(dice, numbers) },
    undefined,
  ])
  return JSON.stringify({ ...claims, [name]: value })
}

function withUnknownClaims(dice: Dice): string {
  const added = Array.from({ length: 1 + dice(4) }, () => [randomName(dice), randomValue(dice, 4)] as const)
  return JSON.stringify({ ...claims, ...Object.fromEntries(added.filter(([name]) => !(name in claims))) })
}

function bytesWithFault(dice: Dice): Uint8Array {
  const bytes = Buffer.from(withUnknownClaims(dice))
  bytes[dice(bytes.length)] = dice(256)
  return bytes
}

const good = signed({ payload, key: own })

/** A token with a right signature and odd contents, or a good one with a fault in its text. */
function variation(dice: Dice): string {
  const header = JSON.stringify(headerOf(own))
  const kinds: readonly (() => string)[] = [
    () => signed({ payload: withUnknownClaims(dice), key: own }),
    () => signed({ payload: withOddClaim(dice), key: own }),
    () => signed({ payload: mutated(dice, pick(dice, [payload, withUnknownClaims(dice)])), key: own }),
    () => signed({ payload: bytesWithFault(dice), key: own }),
    () => signed({ header: mutated(dice, header), payload, key: own }),
    () => withSignature(mutatedParts(dice), own),
    () => mutated(dice, good),
  ]
  return pick(dice, kinds)()
}

/** The two parts under a signature, with a character of base64url changed, added or lost. */
function mutatedParts(dice: Dice): string {
  const input = good.slice(0, good.lastIndexOf('.'))
  const at = pick(dice, [dice(input.length), input.length - 1, input.indexOf('.') - 1])
  const added = pick(dice, ['', 'A', 'B', '=', '_', '+', '\n', ' ', '.'])
  return input.slice(0, at) + added + input.slice(at + dice(2))
}

/** Cases of which no file tells the result, always the same for a seed. */
export function variations(count: number, seed = 1): readonly Case[] {
  const dice = diceOf(seed)
  const reader = { app: claims.aud, issuer: claims.iss, keys: [own.pem, second.pem], now }
  return Array.from({ length: count }, () => ({ ...reader, token: variation(dice) }))
}
