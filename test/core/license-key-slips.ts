import { checkLicenseKey } from '../../src/client/index.ts'

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** The slips that a check of license keys missed: none, if it is right. */
export interface MissedSlips {
  /** The number of slips that were tried. */
  readonly tried: number
  /** Texts with one wrong symbol, or two adjacent ones swapped, whose suggestions lack the right key. */
  readonly uncorrected: readonly string[]
  /** Texts with two wrong symbols that passed as good. */
  readonly undetected: readonly string[]
}

function grouped(symbols: string): string {
  return symbols.match(/.{5}/g)!.join('-')
}

function put(symbols: string, at: number, symbol: string): string {
  return symbols.slice(0, at) + symbol + symbols.slice(at + 1)
}

function* oneWrong(symbols: string): Generator<string> {
  for (let at = 0; at < symbols.length; at++)
    for (const symbol of alphabet) if (symbol !== symbols[at]) yield put(symbols, at, symbol)
}

function* oneSwap(symbols: string): Generator<string> {
  for (let at = 0; at + 1 < symbols.length; at++)
    if (symbols[at] !== symbols[at + 1]) yield put(put(symbols, at, symbols[at + 1]!), at + 1, symbols[at]!)
}

/** Two wrong symbols at every pair of places, each with some of the 961 pairs of symbols. */
function* twoWrong(symbols: string, share: number): Generator<string> {
  for (let at = 0; at < symbols.length; at++)
    for (let other = at + 1; other < symbols.length; other++)
      for (let pair = (at * 7 + other) % share; pair < 961; pair += share) {
        const moved = (place: number, by: number): string =>
          alphabet[(alphabet.indexOf(symbols[place]!) + by) % 32]!
        yield put(
          put(symbols, at, moved(at, 1 + (pair % 31))),
          other,
          moved(other, 1 + Math.floor(pair / 31)),
        )
      }
}

/**
 * Tries on each key every wrong symbol, every swap of adjacent symbols, and two wrong symbols at every pair of places.
 *
 * @param share Every how many pairs of symbols it tries at each pair of places. 1 tries all 288,300 of a key.
 */
export function missedSlips(keys: readonly string[], share: number): MissedSlips {
  const uncorrected: string[] = []
  const undetected: string[] = []
  let tried = 0
  for (const key of keys) {
    for (const slip of [...oneWrong(key), ...oneSwap(key)]) {
      tried += 1
      const check = checkLicenseKey(slip)
      if (check.ok || !check.suggestions.includes(grouped(key))) uncorrected.push(slip)
    }
    for (const slip of twoWrong(key, share)) {
      tried += 1
      if (checkLicenseKey(slip).ok) undetected.push(slip)
    }
  }
  return { tried, uncorrected, undetected }
}
