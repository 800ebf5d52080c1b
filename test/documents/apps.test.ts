import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { emptyFolder, sameRuntime, startServer, whenAllIsOver, type RunningServer } from '../cli/heartwood.ts'
import { curlCommands, documentText, placed, runCurl } from './documents.ts'
import { lacking } from '../support/left-out.ts'
import { assertHoldsNoSecret } from './vendor.ts'

const commands = curlCommands(documentText('apps'))
const [create = '', rotate = '', publicKey = ''] = commands

interface AppJson {
  readonly data: Readonly<Record<string, unknown>>
}

interface RotationJson {
  readonly data: {
    readonly message: string
    readonly licenses_resigned: number
    readonly public_key_pem: string
  }
}

const pem = /^-----BEGIN PUBLIC KEY-----\nMIICIjANBgkq[\s\S]+\n-----END PUBLIC KEY-----\n?$/

describe('apps.txt by curl', { skip: lacking('apps.txt by curl', ['curl', 'bash']) }, () => {
  const suite = whenAllIsOver(after)
  const cwd = emptyFolder(suite)
  let server: RunningServer
  let firstPem = ''

  before(async () => {
    server = await startServer(suite, { cwd, way: sameRuntime })
  })

  test('the document has three commands', () => {
    assert.equal(commands.length, 3)
  })

  test('POST /apps: the app with its public key', async () => {
    const answer = await runCurl(placed(create, server))
    assert.equal(answer.status, 201)
    const { data } = answer.json<AppJson>()
    assert.equal(data.name, 'My Desktop App')
    assert.equal(data.slug, 'desktop-app')
    assert.equal(data.description, 'License management for my desktop application')
    assert.equal(data.webhook_url, null)
    assert.match(String(data.public_key_pem), pem)
    assert.doesNotMatch(answer.text, /PRIVATE/)
    firstPem = String(data.public_key_pem)
  })

  test('GET /apps/:slug/public-key: raw PEM, without a key', async () => {
    const answer = await runCurl(placed(publicKey, server))
    assert.equal(answer.status, 200)
    assert.equal(answer.contentType, 'application/x-pem-file')
    assert.match(answer.text, pem)
    assert.equal(answer.text.trim(), firstPem.trim())
  })

  test('POST /apps/:slug/rotate-keys: the count and a new public key', async () => {
    const answer = await runCurl(placed(rotate, server))
    assert.equal(answer.status, 200)
    const { data } = answer.json<RotationJson>()
    assert.equal(data.message, 'Keys rotated successfully')
    assert.equal(data.licenses_resigned, 0)
    assert.match(data.public_key_pem, pem)
    assert.notEqual(data.public_key_pem, firstPem)
    const served = await runCurl(placed(publicKey, server))
    assert.equal(served.text.trim(), data.public_key_pem.trim())
  })

  test('POST /apps: slugs follow the rule of the document', async () => {
    for (const [slug, status] of Object.entries({
      'app-123': 201,
      My_App: 422,
      'my app': 422,
      'my.app': 422,
    })) {
      const command = placed(create, server).replace('desktop-app', slug)
      assert.equal((await runCurl(command)).status, status, slug)
    }
    assert.equal((await runCurl(placed(create, server))).status, 409)
  })

  test('the database holds no secret', () => {
    assertHoldsNoSecret(cwd, [server.key])
  })
})
