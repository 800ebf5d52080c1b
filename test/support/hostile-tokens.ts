import { base64url, exportJWK, importSPKI } from 'jose'
import { testKeyPairs } from './keys.ts'
import { payloadText, signRaw } from './tokens.ts'
import { readVectors } from './vectors.ts'
import { start } from './fixtures.ts'

/** A recipe that makes a hostile token from a good one. */
export interface Recipe {
  readonly id: string
  readonly header: string
  readonly claims?: Readonly<Record<string, unknown>>
  readonly raw_payload?: string
  readonly signer: string
  readonly mangle?: string
}

const { cases } = readVectors('own/jwt-mutations.json') as { readonly cases: readonly Recipe[] }

export const recipes: readonly Recipe[] = cases
const [own, foreign] = [testKeyPairs[0]!, testKeyPairs[1]!]

/** Recipes that are legal, or that the vectors leave to us. Every other recipe is `invalid_token`. */
export const verdicts: Readonly<Record<string, string>> = {
  good: 'ok',
  'exp past': 'token_expired',
  'exp == now': 'token_expired',
  // A license that once never expired has such tokens. Its record says when it ends (see the test below).
  'exp missing': 'ok',
  // Claims are open: a name that the reader does not know is ignored, whatever its value.
  'payload __proto__': 'ok',
  'nbf future': 'ok',
  'nbf string': 'ok',
}

/** The payload's text of claims that the recipes write in words. */
const claimTexts: Readonly<Record<string, string>> = {
  '<now>': `${start}`,
  '<now-1>': `${start - 1}`,
  '"<now+99>"': `"${start + 99}"`,
  '<now+99>': `${start + 99}`,
  '<now+99.5>': `${start + 99.5}`,
  '<now+9999>': `${start + 9999}`,
  '[<now+99>]': `[${start + 99}]`,
  '<milliseconds>': `${(start + 99) * 1000}`,
  '1e400 in the raw text': '1e400',
  '9007199254740993 in the raw text': '9007199254740993',
  '-0 in the raw text': '-0',
  '<1,000,000 × a>': `"${'a'.repeat(1_000_000)}"`,
}

function claimText(value: unknown): string {
  return (typeof value === 'string' ? claimTexts[value] : undefined) ?? JSON.stringify(value)
}

/** Payloads that the recipes write in words. `inner` is the text between the braces of the good payload. */
const payloadTexts: Readonly<Record<string, (inner: string) => string>> = {
  '… "exp":1,"exp":<now+99> …': (inner) => `{${inner.replace(/"exp":\d+/, `"exp":1,"exp":${start + 99}`)}}`,
  '… "exp":<now+99>,"exp":1 …': (inner) => `{${inner.replace(/"exp":\d+/, `"exp":${start + 99},"exp":1`)}}`,
  '{"__proto__":{"exp":<now+99>}, …}': (inner) => `{"__proto__":{"exp":${start + 99}},${inner}}`,
  '… "d":[[[…5000…]]]': (inner) => `{${inner},"d":${'['.repeat(5000)}${']'.repeat(5000)}}`,
  '… "d":[[[…200000…]]]': (inner) => `{${inner},"d":${'['.repeat(200_000)}${']'.repeat(200_000)}}`,
}

function payloadOf({ claims = {}, raw_payload: raw }: Recipe, good: string): string {
  if (raw !== undefined) return payloadTexts[raw]?.(good.slice(1, -1)) ?? raw
  const members = new Map(
    Object.entries(JSON.parse(good) as object).map(([name, value]) => [name, claimText(value)]),
  )
  for (const [name, value] of Object.entries(claims))
    if (value === '<absent>') members.delete(name)
    else members.set(name, claimText(value))
  return `{${[...members].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`
}

async function headerOf({ header }: Recipe): Promise<Uint8Array> {
  const jwk = JSON.stringify(
    await exportJWK(await importSPKI(foreign.publicKeyPem, 'RS256', { extractable: true })),
  )
  const text = header.replace('U+FEFF then ', '\uFEFF').replace('<attacker public jwk>', jwk)
  const bytes = new TextEncoder().encode(text.replace('<byte FF>', '\u0001'))
  return bytes.map((byte) => (byte === 1 ? 0xff : byte))
}

function der(pem: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    base64url.decode(
      pem
        .replace(/-----.*-----|\s/g, '')
        .replaceAll('+', '-')
        .replaceAll('/', '_')
        .replaceAll('=', ''),
    ),
  )
}

const hmacKeys: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  'spki-pem as published, with final newline': new TextEncoder().encode(own.publicKeyPem),
  'spki-pem without final newline': new TextEncoder().encode(own.publicKeyPem.trimEnd()),
  'spki der bytes': der(own.publicKeyPem),
  // Web Crypto imports no empty key. For HMAC a zero byte is the same.
  'empty key': new Uint8Array(1),
}

async function hmac(input: string, key: Uint8Array<ArrayBuffer>): Promise<string> {
  const hs256 = { name: 'HMAC', hash: 'SHA-256' }
  const imported = await crypto.subtle.importKey('raw', key, hs256, false, ['sign'])
  return base64url.encode(
    new Uint8Array(await crypto.subtle.sign('HMAC', imported, new TextEncoder().encode(input))),
  )
}

async function sign(signer: string, header: Uint8Array, payload: string, good: string): Promise<string> {
  const signed = await signRaw(
    header,
    payload,
    signer === 'foreign' ? foreign.privateKeyPem : own.privateKeyPem,
  )
  if (signer === 'app' || signer === 'foreign') return signed
  const input = signed.slice(0, signed.lastIndexOf('.'))
  if (signer.startsWith('none')) return `${input}.`
  if (signer.startsWith('keep')) return `${input}.${good.split('.')[2]}`
  return `${input}.${await hmac(input, hmacKeys[signer.replace('HMAC-SHA256 keyed with: ', '')]!)}`
}

const insert = (text: string, at: number, what: string): string => text.slice(0, at) + what + text.slice(at)
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

const mangles: Readonly<Record<string, (header: string, payload: string, signature: string) => string>> = {
  'drop the signature text, keep both dots': (h, p) => `${h}.${p}.`,
  'drop the signature and its dot': (h, p) => `${h}.${p}`,
  'append .x': (h, p, s) => `${h}.${p}.${s}.x`,
  'append .x.y': (h, p, s) => `${h}.${p}.${s}.x.y`,
  'prepend a dot': (h, p, s) => `.${h}.${p}.${s}`,
  'replace the signature with AA': (h, p) => `${h}.${p}.AA`,
  'flip the lowest unused bit of the last signature character': (h, p, s) =>
    `${h}.${p}.${s.slice(0, -1)}${alphabet[alphabet.indexOf(s.at(-1)!) ^ 1]}`,
  'append =': (h, p, s) => `${h}.${p}.${s}=`,
  'append ==': (h, p, s) => `${h}.${p}.${s}==`,
  'append a space': (h, p, s) => `${h}.${p}.${s} `,
  'append LF': (h, p, s) => `${h}.${p}.${s}\n`,
  'prepend a space': (h, p, s) => ` ${h}.${p}.${s}`,
  'insert a space after the 10th signature character': (h, p, s) => `${h}.${p}.${insert(s, 10, ' ')}`,
  'insert a tab after the 4th header character': (h, p, s) => `${insert(h, 4, '\t')}.${p}.${s}`,
  'insert a space after the 4th payload character': (h, p, s) => `${h}.${insert(p, 4, ' ')}.${s}`,
  'replace - by + and _ by / in the signature': (h, p, s) =>
    `${h}.${p}.${s.replaceAll('-', '+').replaceAll('_', '/')}`,
  'insert U+0000 after the 9th signature character': (h, p, s) => `${h}.${p}.${insert(s, 9, '\u0000')}`,
  'replace . by U+3002': (h, p, s) => `${h}\u3002${p}\u3002${s}`,
  'whole text is e30.e30.e30.e30.e30': () => 'e30.e30.e30.e30.e30',
  'the flattened JSON serialization of the good token': (h, p, s) =>
    JSON.stringify({ protected: h, payload: p, signature: s }),
  'empty text': () => '',
  'whole text is ..': () => '..',
  '1,000,000 × a': () => 'a'.repeat(1_000_000),
  '1,000,000 × .': () => '.'.repeat(1_000_000),
}

/** Builds a hostile token from a good one that the first test key signed. */
export async function build(recipe: Recipe, good: string): Promise<string> {
  const token = await sign(recipe.signer, await headerOf(recipe), payloadOf(recipe, payloadText(good)), good)
  const [header = '', payload = '', signature = ''] = token.split('.')
  return recipe.mangle === undefined ? token : mangles[recipe.mangle]!(header, payload, signature)
}

/** The recipe, and a second one with `typ` if its header lacks it. Then only the recipe's own fault is refused. */
export function variants(recipe: Recipe): readonly Recipe[] {
  if (recipe.header.includes('"typ"') || recipe.id === 'typ missing') return [recipe]
  return [recipe, { ...recipe, header: recipe.header.replace('{', '{"typ":"JWT",') }]
}
