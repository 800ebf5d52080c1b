import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { verify } from '../../src/cli/verify.ts'
import { createLicenseClient, LicensingError, type PublicKeySet } from '../../src/client/index.ts'
import { serve, type Json, type TestServer } from '../adapters/test-server.ts'
import { inTemporaryFolder } from '../storage/temporary-folder.ts'
import { start } from '../support/fixtures.ts'
import { golden, newGoldenShop } from '../support/golden.ts'
import { claimsOf } from '../support/tokens.ts'

interface Vector {
  readonly name: string
  readonly token: string
}

interface Forward {
  readonly audience: string
  readonly issuer: string
  readonly publicKeys: PublicKeySet
  readonly accept: readonly Vector[]
  readonly refuse: readonly Vector[]
}

const forward = JSON.parse(
  readFileSync(new URL('../../vectors/forward.json', import.meta.url), 'utf8'),
) as Forward
const { audience, issuer, publicKeys, accept, refuse } = forward

/** `ok` or the code of a reader, with the claims that it shows if it shows any. */
type Verdict = readonly [code: string, claims?: unknown]

/** Opens a fresh program for each token, because a good token would stay in force. */
async function judgeByClient(token: string): Promise<Verdict> {
  const client = await createLicenseClient({
    ...{ baseUrl: 'https://licenses.example.com', app: audience, issuer, publicKeys },
    ...{ background: false, now: () => start * 1000 },
  })
  return client.setToken(token).then(
    ({ state, claims }) => [state === 'active' ? 'ok' : state, claims],
    (error: unknown) => {
      if (error instanceof LicensingError) return [error.code]
      throw error
    },
  )
}

/** Asks the verify endpoint, and then renews by the same token. */
async function judgeByServer({ send }: TestServer, token: string): Promise<readonly Verdict[]> {
  const verified = await send('POST', `/apps/${audience}/licenses/verify`, { body: { token } })
  const { valid, code } = verified.data<{ readonly valid: boolean; readonly code: string }>()
  const path = `/apps/${audience}/licenses/${golden.licenseId}/regenerate`
  const renewed = await send('POST', path, { body: { current_token: token } })
  return [[valid ? 'ok' : code], [renewed.status === 200 ? 'ok' : renewed.error().code]]
}

async function judgeByCommand(publicKey: string, token: string): Promise<Verdict> {
  const lines: string[] = []
  const line = (text: string): void => void lines.push(text)
  const output = { line, coloured: () => {}, note: () => {}, written: async () => {} }
  await verify(token, { publicKey, app: audience, issuer, json: true }, output).catch(() => {})
  const { valid, code, claims } = JSON.parse(lines.join('')) as Json
  return valid === true ? ['ok', claims] : [`${code as string}`]
}

test('vectors/forward.json: client, server and command line accept and refuse the same tokens', async () => {
  const server = await serve(await newGoldenShop())
  await inTemporaryFolder(async (folder) => {
    const keyFile = `${folder}/keys.json`
    writeFileSync(keyFile, JSON.stringify(publicKeys))
    const judge = async (token: string): Promise<readonly Verdict[]> => [
      await judgeByClient(token),
      ...(await judgeByServer(server, token)),
      await judgeByCommand(keyFile, token),
    ]
    for (const { name, token } of accept) {
      const good = ['ok', claimsOf(token)]
      assert.deepEqual(await judge(token), [good, ['ok'], ['ok'], good], name)
    }
    const refused = ['invalid_token']
    for (const { name, token } of refuse)
      assert.deepEqual(await judge(token), [refused, refused, refused, refused], name)
  })
})

test('vectors/forward.json: no vector of an earlier release has changed', () => {
  const digest = createHash('sha256').update(JSON.stringify([accept.slice(0, 27), refuse.slice(0, 57)]))
  assert.equal(digest.digest('hex'), 'b19928ab69a9ad383b4c54f2b8407f995af9bf2bc5a028a692fe0861ff6030ff')
})

test('client.license.claims: shows claims of later versions, frozen on every level', async () => {
  const { token } = accept.find(({ name }) => name === 'an unknown claim: a nested object')!
  const [, claims] = await judgeByClient(token)
  const later = (claims as { readonly later: { readonly one: { two: unknown } } }).later
  assert.throws(() => (later.one.two = 1), TypeError)
})
