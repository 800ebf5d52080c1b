#!/usr/bin/env node
import process from 'node:process'

/** The same as `engines` in package.json. */
const oldestNode = 24

/** True on Node before the oldest that has all that Heartwood imports. Bun and Deno only tell which Node they resemble. */
const isTooOld =
  !('Bun' in globalThis) && !('Deno' in globalThis) && Number.parseInt(process.versions.node, 10) < oldestNode

if (isTooOld) {
  process.stderr.write(
    `heartwood: Node ${process.versions.node} is too old: Heartwood needs Node ${oldestNode} or later, Bun or Deno\n`,
  )
  process.exit(1)
}
// An old Node would fail with a stack trace while it loads the rest.
const { runProcess } = await import('./command-line.ts')
await runProcess()
