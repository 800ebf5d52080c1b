/**
 * Prints the variables that `heartwood serve` reads, as JSON: it starts the command with variables that note who asks for them.
 * The port in PORT is taken, so the start ends when everything is read.
 */
import process from 'node:process'
import { serveCommand } from '../../src/cli/commands/serve.ts'
import type { CliContext } from '../../src/cli/commands/context.ts'

const names = new Set<string>()
const { PORT, HEARTWOOD_DATABASE } = process.env
const environment = new Proxy(
  { PORT, HEARTWOOD_DATABASE, HEARTWOOD_LOG: 'off' } as Record<string, string | undefined>,
  {
    get: (variables, name) => {
      names.add(String(name))
      return variables[String(name)]
    },
  },
)
const output = { line: () => {}, coloured: () => {}, note: () => {}, written: async () => {} }
const context = { environment, output, process } as unknown as CliContext

const serve = (await serveCommand.loader()) as (this: CliContext, flags: object) => Promise<void | Error>
const failure = await serve.call(context, { demo: false }).catch((error: unknown) => error)
if (!/Cannot listen/.test(String(failure)))
  throw new Error('The server did not try to listen', { cause: failure })
process.stdout.write(JSON.stringify([...names]), () => process.exit(0))
