import assert from 'node:assert/strict'
import type { Server } from 'node:http'
import { join } from 'node:path'
import process from 'node:process'
import { after, before, test } from 'node:test'
import { FakeServer } from '../client/fake-server.ts'
import { lifecycleCases } from '../client/lifecycle-cases.ts'
import type { OldNodeResult } from '../client/old-node-program.ts'
import { emptyFolder, run } from './programs.ts'
import { listen, originOf, toRequest } from './web-server.ts'

/** The oldest Node that docs/client.md promises to a bundle. */
const oldest = '20.0.0'

let server: Server
let results: ReadonlyMap<string, unknown>

/** Gets the binary from npm, as all runtimes come. It is no dependency: Deno reads no alias in a lock file of npm. */
async function installOldNode(folder: string): Promise<string> {
  const system = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${system}-${process.arch}`
  await run(['npm', 'install', '--no-audit', '--no-fund', '--prefix', folder, `${name}@${oldest}`])
  return join(folder, 'node_modules', name, 'bin', 'node')
}

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
  const oldNode = await installOldNode(emptyFolder())
  const { stdout } = await run([oldNode, bundle, originOf(server), folder])
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

for (const { name, steps } of lifecycleCases)
  test(`client in Node 20: ${name}`, () => {
    assert.deepEqual(
      results.get(name),
      steps.map(([, observation]) => observation),
    )
  })
