import assert from 'node:assert/strict'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { FakeServer } from '../client/fake-server.ts'
import { allCases } from '../client/succession-cases.ts'
import type { OldNodeResult } from '../client/old-node-program.ts'
import { oldest, oldNode } from './old-node.ts'
import { emptyFolder, run } from './programs.ts'
import { listen, originOf, toRequest } from './web-server.ts'

let server: Server
let results: ReadonlyMap<string, unknown>

async function startServer(): Promise<Server> {
  let fakeServer: FakeServer
  const started = await listen(async (request, body) => {
    if (request.url === '/command') return fakeServer.respondToCommand(`${body}`)
    return fakeServer.handle(toRequest(originOf(started), request, body))
  })
  fakeServer = new FakeServer(originOf(started))
  return started
}

before(async () => {
  server = await startServer()
  const folder = emptyFolder()
  const bundle = join(folder, 'program.mjs')
  const entry = 'test/client/old-node-program.ts'
  await run(['bun', 'build', entry, '--target', 'node', '--outfile', bundle])
  const { stdout } = await run([await oldNode(), bundle, originOf(server), folder])
  results = new Map(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as OldNodeResult),
  )
})

after(() => {
  server.closeAllConnections()
  server.close()
})

test('client in Node 20: it is the first version, which lacks AbortSignal.any', () => {
  assert.equal(results.get('version'), `v${oldest}`)
})

test('client in Node 20: fileStore keeps the license over a restart without a server', () => {
  assert.deepEqual(results.get('fileStore'), ['active', 'refreshed', 'active', 'kept'])
})

for (const { name, steps } of allCases)
  test(`client in Node 20: ${name}`, () => {
    assert.deepEqual(
      results.get(name),
      steps.map(([, observation]) => observation),
    )
  })
