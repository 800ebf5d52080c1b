import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLicenseClient } from '../../src/client/index.ts'
import { createTestServer } from '../../src/testing/server.ts'
import { openLicensedClient } from './fixtures.ts'

const chunk = new Uint8Array(64 * 1024).fill(0x20)
const mebibyte = 1024 * 1024

/** A response that never ends, and counts the bytes that were taken from it. */
function endlessResponse() {
  const taken = { bytes: 0, isCancelled: false }
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      taken.bytes += chunk.length
      if (taken.bytes > 64 * mebibyte) controller.error(new Error('Nobody stops reading'))
      else controller.enqueue(chunk)
    },
    cancel: () => {
      taken.isCancelled = true
    },
  })
  return { taken, response: new Response(body, { headers: { 'content-type': 'application/json' } }) }
}

test('refresh(): stops reading a response without end', async () => {
  const { taken, response } = endlessResponse()
  const { client } = await openLicensedClient({ background: false, fetch: async () => response })
  const { state, lastAttempt } = await client.refresh()
  assert.deepEqual([state, lastAttempt?.outcome], ['active', 'unreachable'])
  assert.ok(taken.bytes < mebibyte && taken.isCancelled, `${taken.bytes}`)
})

test('refreshKeys: stops reading keys without end', async () => {
  const server = await createTestServer()
  const options = await server.clientOptions()
  await server.rotateKeys()
  const { token } = await server.issue()
  const { taken, response } = endlessResponse()
  const refreshKeys = { from: 'jwks.json', pin: 'origin' } as const
  const given = { ...options, refreshKeys, background: false, fetch: async () => response }
  await assert.rejects((await createLicenseClient(given)).setToken(token), /could not be fetched/)
  assert.ok(taken.bytes < mebibyte && taken.isCancelled, `${taken.bytes}`)
})

test('refresh(): reads the response of a fetch that gives no stream', async () => {
  const { server, token } = await openLicensedClient({ background: false })
  const { fetch, ...options } = await server.clientOptions()
  for (const tooLong of [false, true]) {
    const withoutStream = async (url: string, init: RequestInit): Promise<Response> => {
      const { status, headers, ...fetched } = await fetch(url, init).then(async (response) => ({
        status: response.status,
        headers: response.headers,
        text: await response.text(),
      }))
      const text = async () => (tooLong ? fetched.text + ' '.repeat(mebibyte) : fetched.text)
      return { status, headers, text } as Response
    }
    const client = await createLicenseClient({ ...options, token, background: false, fetch: withoutStream })
    const { outcome } = (await client.refresh()).lastAttempt!
    assert.equal(outcome, tooLong ? 'unreachable' : 'refreshed')
  }
})
