import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { emptyFolder, run } from './programs.ts'

/**
 * Publishes the package in a folder to a registry on this machine. Resolves to a folder with the published files.
 *
 * Deno rewrites imports as it publishes and does not check the result. Only the published files show if it works.
 */
export async function publishToLocalJsr(cwd = '.'): Promise<string> {
  const folder = emptyFolder()
  const registry = createServer((request, response) => void respond(request, response, folder))
  await once(registry.listen(0, '127.0.0.1'), 'listening')
  const { port } = registry.address() as AddressInfo
  const command = ['deno', 'publish', '--allow-dirty', '--no-check', '--no-provenance', '--token=none']
  try {
    await run(command, { cwd, env: { JSR_URL: `http://127.0.0.1:${port}` } })
  } finally {
    registry.close()
  }
  await run(['tar', '-xzf', 'published.tgz'], { cwd: folder })
  return folder
}

async function respond(request: IncomingMessage, response: ServerResponse, folder: string): Promise<void> {
  const body = await buffer(request)
  if (request.method === 'POST') writeFileSync(join(folder, 'published.tgz'), body)
  const isNewVersion = request.method === 'GET' && request.url?.includes('/versions/')
  const task = { id: 'task', status: 'success', packageScope: '', packageName: '', packageVersion: '' }
  response.writeHead(isNewVersion ? 404 : 200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(isNewVersion ? {} : { ...task, githubRepository: null }))
}
