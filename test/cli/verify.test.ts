import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { testKeyPairs } from '../support/keys.ts'
import { newShop, tokenOf, type Shop } from '../support/fixtures.ts'
import { emptyFolder, heartwood, ways, whenAllIsOver, type Ended, type Way } from './heartwood.ts'

const now = Math.floor(Date.now() / 1000)
const day = 86_400

interface Forward {
  readonly publicKeys: object
  readonly accept: readonly { readonly token: string }[]
  readonly refuse: readonly { readonly token: string }[]
}

interface VerifyJson {
  readonly valid: boolean
  readonly status: string
  readonly code: string | null
  readonly reason: string
  readonly claims: { readonly aud: string; readonly iss: string; readonly tier: string } | null
}

let cwd: string
let shop: Shop
let good: string
let expired: string
let issuedTomorrow: string

async function tokenAt(seconds: number): Promise<string> {
  shop.clock.seconds = seconds
  return tokenOf(await shop.issue())
}

const disposer = whenAllIsOver(after)

before(async () => {
  cwd = emptyFolder(disposer)
  shop = await newShop()
  good = await tokenAt(now)
  expired = await tokenAt(now - 31 * day)
  issuedTomorrow = await tokenAt(now + day)
  shop.clock.seconds = now
  writeFileSync(join(cwd, 'key.pem'), shop.app.publicKeyPem)
  writeFileSync(
    join(cwd, 'keys.json'),
    JSON.stringify(await shop.licensing.apps.jwks('desktop-app'), null, 2),
  )
  writeFileSync(join(cwd, 'other.pem'), testKeyPairs[3]!.publicKeyPem)
  writeFileSync(join(cwd, 'private.pem'), testKeyPairs[0]!.privateKeyPem)
  writeFileSync(join(cwd, 'notes.txt'), 'no key at all')
  writeFileSync(join(cwd, 'broken.json'), '{"keys": [')
})

function verify(token: string, flags: readonly string[], input = '', way: Way = 'Bun'): Promise<Ended> {
  return heartwood(['verify', token, ...flags], { cwd, input, way })
}

for (const way of Object.keys(ways) as Way[])
  test(`heartwood verify on ${way}: accepts a valid token by PEM and JWK Set, as argument and from standard input`, async () => {
    const shown = await verify(good, ['--public-key', 'key.pem'], '', way)
    assert.deepEqual([shown.code, shown.stderr], [0, ''])
    assert.match(shown.stdout, /^status +active\napp +desktop-app\nissuer +license-server\n/)
    const read = await verify('-', ['--public-key', 'keys.json', '--json'], `${good}\n`, way)
    const { claims, ...verdict } = JSON.parse(read.stdout) as VerifyJson
    assert.deepEqual(verdict, { valid: true, status: 'active', code: null, reason: 'The license is active' })
    assert.deepEqual([claims?.aud, claims?.tier], ['desktop-app', 'pro'])
  })

test('heartwood verify: shows limits and updates_until, and refuses a version that was released later', async () => {
  const updatesUntil = Date.UTC(2027, 2, 1) / 1000
  const token = tokenOf(await shop.issue({ customLimits: { projects: 5, 10: 0 }, updatesUntil }))
  const key = ['--public-key', 'key.pem']
  const shown = await verify(token, [...key, '--released-at', '2027-03-01'])
  assert.match(shown.stdout, /\nlimits +10 0, projects 5\nupdates until +2027-03-01T00:00:00Z\n/)
  assert.equal(shown.code, 0)
  const refused = await verify(token, [...key, '--released-at', '2027-03-02', '--json'])
  assert.match(refused.stdout, /"code": ?"version_not_covered"/)
  assert.match(
    refused.stderr,
    /covers versions released until 1 March 2027; this one was released on 2 March 2027/,
  )
  assert.equal((await verify(token, [...key, '--released-at', '2027-02-30'])).code, 2)
})

test('heartwood verify: creates no file and needs no database', async () => {
  const files = readdirSync(cwd)
  const env = { HEARTWOOD_DATABASE: 'mysql://nowhere', HEARTWOOD_MASTER_KEY: '' }
  const { code } = await heartwood(['verify', good, '--public-key', 'key.pem'], { cwd, env })
  assert.equal(code, 0)
  assert.deepEqual(readdirSync(cwd), files)
})

test('heartwood verify: takes the longest token of vectors/forward.json, and refuses one that is a character longer', async () => {
  const { publicKeys, accept, refuse } = JSON.parse(readFileSync('vectors/forward.json', 'utf8')) as Forward
  writeFileSync(join(cwd, 'forward.json'), JSON.stringify(publicKeys))
  const longest = ({ token }: { readonly token: string }): boolean => token.length > 32_000
  const tokens = [...accept, ...refuse].filter(longest).map(({ token }) => token)
  const flags = ['--public-key', 'forward.json']
  const codes = tokens.flatMap((token) => [verify(token, flags), verify('-', flags, token)])
  assert.deepEqual(
    (await Promise.all(codes)).map(({ code }) => code),
    [0, 0, 1, 1],
  )
})

const wrong: Readonly<
  Record<string, readonly [token: () => string, flags: readonly string[], message: RegExp]>
> = {
  'signed by another key': [
    () => good,
    ['--public-key', 'other.pem'],
    /no license token that the public key/,
  ],
  altered: [
    () => good.replace(/\.(.{40})./, (_, head: string) => `.${head}A`),
    ['--public-key', 'key.pem'],
    /no license token/,
  ],
  'without an algorithm': [
    () => `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${good.split('.')[1]}.`,
    ['--public-key', 'key.pem'],
    /no license token/,
  ],
  'plain text': [() => 'hello', ['--public-key', 'key.pem'], /no license token/],
  empty: [() => '', ['--public-key', 'key.pem'], /no license token/],
  'for another app': [
    () => good,
    ['--public-key', 'key.pem', '--app', 'other-app'],
    /no license token for other-app that/,
  ],
  'from another issuer': [
    () => good,
    ['--public-key', 'key.pem', '--issuer', 'me'],
    /no license token from me that/,
  ],
  expired: [() => expired, ['--public-key', 'key.pem'], /The token has expired/],
  'issued in the future': [() => issuedTomorrow, ['--public-key', 'key.pem'], /issued in the future/],
}

for (const [fault, [token, flags, message]] of Object.entries(wrong))
  test(`heartwood verify: a token that is ${fault} is an error of one line without the token`, async () => {
    const { code, stderr } = await verify(token(), flags)
    assert.equal(code, 1)
    assert.match(stderr, /^heartwood: [^\n]+\n$/)
    assert.match(stderr, message)
    assert.equal(stderr.includes('eyJ'), false)
  })

test('heartwood verify --json: gives the reason, and shows claims only if the signature is valid', async () => {
  const ended = JSON.parse(
    (await verify(expired, ['--public-key', 'key.pem', '--json'])).stdout,
  ) as VerifyJson
  assert.deepEqual([ended.valid, ended.status, ended.code], [false, 'expired', 'token_expired'])
  assert.equal(ended.claims?.tier, 'pro')
  const early = JSON.parse(
    (await verify(issuedTomorrow, ['--public-key', 'key.pem', '--json'])).stdout,
  ) as VerifyJson
  assert.deepEqual([early.valid, early.status, early.code], [false, 'clock_suspect', 'invalid_token'])
  assert.equal(early.claims?.tier, 'pro')
  const forged = JSON.parse(
    (await verify(good, ['--public-key', 'other.pem', '--json'])).stdout,
  ) as VerifyJson
  assert.deepEqual([forged.valid, forged.status, forged.code], [false, 'invalid', 'invalid_token'])
  assert.equal(forged.claims, null)
})

const keyFiles: Readonly<Record<string, RegExp>> = {
  'nowhere.pem': /Public key file nowhere\.pem: there is no such file/,
  'private.pem': /private\.pem: holds a private key, which must never be shipped/,
  'notes.txt': /notes\.txt: must be RSA public keys/,
  'broken.json': /broken\.json: is not JSON/,
}

for (const [file, message] of Object.entries(keyFiles))
  test(`heartwood verify: ${file} as a public key is an error of one line`, async () => {
    const { code, stdout, stderr } = await verify(good, ['--public-key', file])
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^heartwood: [^\n]+\n$/)
    assert.match(stderr, message)
  })

for (const args of [['verify'], ['verify', 'x'], ['verify', 'x', '--public-key', 'k', '--audience', 'y']])
  test(`heartwood ${args.join(' ')}: exits with 2 as misspelt`, async () => {
    assert.equal((await heartwood(args, { cwd })).code, 2)
  })

test('heartwood verify: reads a pasted token and UTF-16 files as the client does', async () => {
  const key = `\uFEFF${shop.app.publicKeyPem}`
  writeFileSync(join(cwd, 'utf-16.pem'), Buffer.from(key, 'utf16le'))
  const pasted = ['```text', ...(good.match(/.{1,76}/g) ?? []), '```'].join('\r\n')
  const utf16 = Buffer.from(`\uFEFF"${good}"\r\n`, 'utf16le').toString('utf8')
  for (const input of [pasted, `<${good}>.`, utf16])
    assert.equal((await verify('-', ['--public-key', 'utf-16.pem'], input)).stderr, '')
  assert.equal((await verify(`“${good}”`, ['--public-key', 'key.pem'])).code, 0)
  const cut = await verify(good.slice(0, 300), ['--public-key', 'key.pem'])
  assert.match(cut.stderr, /cut off after 300 characters/)
})
