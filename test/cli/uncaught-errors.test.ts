import assert from 'node:assert/strict'
import { once } from 'node:events'
import { resolve } from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { beginRequest } from './begin-request.ts'
import { emptyFolder, startServer, ways, type Way } from './heartwood.ts'

for (const way of ['Bun', 'Deno', 'Node'] satisfies Way[])
  test(`heartwood serve on ${way}: logs an error that nobody caught, and stops after an exception`, async (t) => {
    const command = [...ways[way].slice(0, -1), resolve('test/cli/uncaught-program.ts'), 'serve']
    const server = await startServer(t, { cwd: emptyFolder(t), env: { HEARTWOOD_LOG: 'json' }, command })
    let log = ''
    server.process.stderr!.on('data', (chunk) => (log += String(chunk)))

    process.kill(server.process.pid!, 'SIGUSR2')
    while (!log.includes('a planted rejection')) await once(server.process.stderr!, 'data')
    assert.equal((await fetch(`${server.url}/api/health`)).status, 200)

    const finish = await beginRequest(server, '/api-keys', '{"type": "sk", "mode": "live"}')
    const stopping = server.stop('SIGHUP')
    while (!log.includes('a planted exception')) await once(server.process.stderr!, 'data')
    assert.match(await finish(), /^HTTP\/1\.1 201 /)
    const { code, stderr } = await stopping
    assert.equal(code, 1)
    assert.match(stderr, /"level":"ERROR".*a planted exception/)
    assert.match(stderr, /^heartwood: Error: a planted exception\n/m)
  })
