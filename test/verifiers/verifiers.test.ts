import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { generateKeyPairSync } from 'node:crypto'
import { own, second } from '../../scripts/token-vectors/signing.ts'
import { blocksOf } from '../documents/markdown.ts'
import { leaveOut } from '../support/left-out.ts'
import { recoveryKeys } from '../support/keys.ts'
import {
  judge,
  languages,
  programsOf,
  runExample,
  type Case,
  type Language,
  type Verdict,
} from './languages.ts'
import { comparable, judgeByCore, knownClaims } from './readers.ts'
import { variations } from './variations.ts'
import { claimsIn, forwardCases, vectorCases } from './vectors.ts'

const forward = forwardCases()
const good = vectorCases[0]!
const begin = '-----BEGIN PUBLIC KEY-----'

const pem = { type: 'spki', format: 'pem' } as const
const shortKey = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export(pem) as string
const curveKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export(pem) as string

/** Keys that a user gives by mistake. */
const unusableKeys: Readonly<Record<string, readonly string[]>> = {
  'no key': [],
  'a private key': [recoveryKeys[0]!.privateKeyPem],
  'a key of 1024 bits': [shortKey],
  'a key of an elliptic curve': [curveKey],
  'text that is no key': ['desktop-app'],
  'a key that is cut short': [own.pem.replace(/(.{64}\n)+/, '')],
  'a key without its end': [own.pem.slice(0, 300)],
  'two keys in one text': [own.pem + second.pem],
  'a key of another kind': [own.pem.replaceAll('PUBLIC KEY', 'RSA PUBLIC KEY')],
  'an unusable key beside a good one': [own.pem, `${begin}\nAAAA\n${begin.replace('BEGIN', 'END')}\n`],
}

/** Spellings of keys that count as the key itself. */
const usableKeys: Readonly<Record<string, string>> = {
  'line breaks of Windows': own.pem.replaceAll('\n', '\r\n'),
  'white space around it': `\n\n${own.pem}\n `,
  'no line break at its end': own.pem.trimEnd(),
}

const keyCases: readonly (Case & { readonly name: string; readonly verdict: Verdict })[] = [
  ...Object.entries(unusableKeys).map(([name, keys]) => ({ ...good, name, keys, verdict: 'unusable_key' })),
  ...Object.entries(usableKeys).map(([name, pem]) => ({ ...good, name, keys: [pem] })),
]

const varied = variations(500)

function tokenNamed(name: string): string {
  return vectorCases.find((each) => each.name === name)!.token
}

interface Results {
  readonly vectors: readonly Verdict[]
  readonly forward: readonly Verdict[]
  readonly keys: readonly Verdict[]
  readonly varied: readonly Verdict[]
}

/** Runs the program of a language once for all tests. */
async function resultsOf(language: Language): Promise<Results> {
  const groups = { vectors: vectorCases, forward, keys: keyCases, varied }
  const all = await judge(language, Object.values(groups).flat())
  let at = 0
  const take = (count: number): readonly Verdict[] => all.slice(at, (at += count))
  assert.equal(all.length, Object.values(groups).flat().length)
  return {
    vectors: take(vectorCases.length),
    forward: take(forward.length),
    keys: take(keyCases.length),
    varied: take(varied.length),
  }
}

for (const language of languages) {
  const { name, debian } = language
  const { lacks } = programsOf(language)
  const skip = lacks === null ? false : leaveOut(`the verifier in ${name}`, `no ${lacks} (Debian: ${debian})`)

  describe(`the verifier in ${name}`, { skip }, () => {
    let results: Promise<Results> | undefined
    const run = (): Promise<Results> => (results ??= resultsOf(language))

    test(`${name}: accepts and refuses each token as vectors/license-tokens.json says, with its claims`, async () => {
      const { vectors } = await run()
      for (const [at, { name, verdict }] of vectorCases.entries())
        assert.deepEqual(vectors[at], verdict, name)
    })

    test(`${name}: accepts and refuses tokens of later versions as vectors/forward.json says`, async () => {
      const verdicts = (await run()).forward
      for (const [at, { name, token, accepted }] of forward.entries()) {
        const verdict = verdicts[at]!
        if (accepted) assert.deepEqual(Object(verdict).claims, knownClaims(claimsIn(token)), name)
        else assert.equal(verdict, 'invalid_token', name)
      }
    })

    test(`${name}: judges 500 odd tokens as core does`, async () => {
      const verdicts = (await run()).varied
      for (const [at, each] of varied.entries())
        assert.deepEqual(comparable(verdicts[at]), comparable(await judgeByCore(each)), each.token)
    })

    test(`${name}: runs the program of docs/other-languages.md`, async () => {
      const [, block] = language.example
      const { code } = blocksOf('docs/other-languages.md').find((each) => each.language === block)!
      const [first, ...rest] = own.pem.trimEnd().split('\n')
      // The page shows each line of a key as far in as the first.
      const text = code.replace(/^( *)…$/m, (_, space: string) =>
        rest
          .slice(0, -1)
          .map((line) => space + line)
          .join('\n'),
      )
      assert.ok(text.includes(first!) && text.includes(rest.at(-1)!))
      const tokens = ['a license without end', 'an end in the first second of 1970', 'for another app'].map(
        tokenNamed,
      )
      assert.deepEqual(await runExample(language, text, tokens), [
        'Licensed: pro api_access, custom_integration\n',
        'token_expired: The license has expired\n',
        'invalid_token: Invalid license token\n',
      ])
    })

    test(`${name}: says which public keys it cannot use`, async () => {
      const { keys } = await run()
      for (const [at, { name, verdict }] of keyCases.entries()) assert.deepEqual(keys[at], verdict, name)
    })
  })
}

test('the odd tokens: core accepts many of them, and refuses many', async () => {
  const verdicts = await Promise.all(varied.map(judgeByCore))
  const refused = verdicts.filter((verdict) => typeof verdict === 'string').length
  assert.ok(refused > 250 && refused < 400, `${refused} of ${verdicts.length} are refused`)
})

test('verifiers: each file has a language here, says what it leaves out, and stands on the page', () => {
  const files = readdirSync('verifiers').map((file) => `verifiers/${file}`)
  assert.deepEqual(files.toSorted(), languages.map(({ verifier }) => verifier[0]).toSorted())
  const page = readFileSync('docs/other-languages.md', 'utf8')
  const rotation = readFileSync('docs/rotation.md', 'utf8')
  for (const file of files) {
    const text = readFileSync(file, 'utf8')
      .replace(/\n(\/\/| \*)/g, '')
      .replace(/\s+/g, ' ')
    assert.match(text, /hears of no revocation, and does not follow trust\.json/, file)
    assert.ok(page.includes(`(../${file})`), file)
    assert.ok(rotation.includes(`(../${file})`), file)
  }
})
