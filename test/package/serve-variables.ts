import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { emptyFolder, run } from './programs.ts'

async function readVariables(): Promise<readonly string[]> {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const env = { PORT: String(port), HEARTWOOD_DATABASE: join(emptyFolder(), 'heartwood.db') }
  try {
    const { stdout } = await run(['bun', 'test/cli/variables-program.ts'], { env })
    return JSON.parse(stdout) as readonly string[]
  } finally {
    taken.close()
  }
}

let variables: Promise<readonly string[]> | undefined

/** The names of the variables that `heartwood serve` reads, as its own code asks for them. All test files share them. */
export function serveVariables(): Promise<readonly string[]> {
  return (variables ??= readVariables())
}
