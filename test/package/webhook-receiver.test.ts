import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { emptyFolder, freePort, runtimes } from './programs.ts'

const secret = `whsec_${btoa('a secret for this test alone')}`

function signedHeaders(key: string): Record<string, string> {
  const now = new Date()
  return {
    'webhook-id': 'evt_1',
    'webhook-timestamp': `${Math.floor(now.getTime() / 1000)}`,
    'webhook-signature': new Webhook(key).sign('evt_1', now, body),
  }
}

const body = '{"type":"license.revoked","timestamp":"2026-01-23T10:00:00Z","data":{"license_id":"lic_1"}}'

async function send(port: number, headers: Record<string, string>): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body })).status
}

async function isUp(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined)
  return response?.status === 200
}

for (const [name, [program, ...args]] of Object.entries(runtimes))
  test(`examples/webhook-receiver.ts on ${name}: prints a signed event once, and rejects any other request`, async () => {
    const port = await freePort()
    const env = { ...process.env, PORT: `${port}`, WEBHOOK_SECRET: secret }
    const server = spawn(program, [...args, resolve('examples/webhook-receiver.ts')], {
      cwd: emptyFolder(),
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    server.stdout!.on('data', (chunk) => (output += String(chunk)))
    const ended = once(server, 'exit')
    try {
      for (let tries = 0; tries < 300 && !(await isUp(port)); tries++)
        await new Promise((wait) => setTimeout(wait, 100))
      assert.equal(await send(port, signedHeaders(secret)), 204)
      assert.equal(await send(port, signedHeaders(secret)), 204)
      assert.equal(await send(port, signedHeaders(`whsec_${btoa('another secret of somebody')}`)), 401)
      assert.equal(await send(port, {}), 401)
    } finally {
      server.kill()
      await ended
    }
    assert.equal(output.trim(), 'license.revoked lic_1')
  })
