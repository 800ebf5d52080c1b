import { join } from 'node:path'
import process from 'node:process'
import { fileStore } from '../../src/client/file.ts'
import { createLicenseClient } from '../../src/client/index.ts'
import { allCases } from './succession-cases.ts'
import { remoteServer } from './remote-server.ts'
import { runCase, type ClientSetup, type ServerCommands } from './test-program.ts'

/** A line of the program's output: a name, and the observations or the error. */
export type OldNodeResult = readonly [name: string, observed: unknown]

async function observe(server: ServerCommands, at: number): Promise<unknown> {
  try {
    return (await runCase(allCases[at]!, server)).observed
  } catch (error) {
    return `${error as Error}`
  }
}

/** Licenses a program, and starts it again on its file without a server. Resolves to both states. */
async function restartOnFile(server: ServerCommands, path: string): Promise<readonly string[]> {
  const setup = (await server.command('open', { forever: true })) as ClientSetup
  const options = { ...setup, store: fileStore(path), background: false, now: () => setup.now }
  const first = await createLicenseClient(options)
  await first.refresh()
  const fetch = (): Promise<Response> => Promise.reject(new TypeError('offline'))
  const { token: _, ...withoutToken } = options
  const { license } = await createLicenseClient({ ...withoutToken, fetch })
  return [first.license.state, first.license.lastAttempt!.outcome, license.state, license.store]
}

function print(result: OldNodeResult): void {
  console.log(JSON.stringify(result))
}

/** Runs in an engine that cannot run the test server: all its requests go to the one at `origin`. */
async function main([origin = '', folder = '']: readonly string[]): Promise<void> {
  const server = remoteServer(origin)
  print(['version', process.version])
  print(['fileStore', await restartOnFile(server, join(folder, 'license.json'))])
  for (const [at, { name }] of allCases.entries()) print([name, await observe(server, at)])
}

await main(process.argv.slice(2))
