/**
 * Copies the version of package.json to the other files that state it. `npm version` runs it before the commit, and a test
 * compares the files.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import manifest from '../package.json' with { type: 'json' }

/** The files that repeat the version, each with a pattern for it. */
export const copies: Readonly<Record<string, RegExp>> = {
  'jsr.json': /(?<="version": ")[^"]*(?=")/,
  'src/adapters/version.ts': /(?<=version = ')[^']*(?=')/,
  'openapi.json': /(?<="version": ")[^"]*(?=",\s*"contact")/,
  'packages/client/package.json': /(?<="version": ")[^"]*(?=")/,
  'packages/client/jsr.json': /(?<="version": ")[^"]*(?=")/,
}

function copyVersion([path, pattern]: readonly [string, RegExp]): void {
  const file = new URL(`../${path}`, import.meta.url)
  writeFileSync(file, readFileSync(file, 'utf8').replace(pattern, manifest.version))
}

if (import.meta.main) Object.entries(copies).forEach(copyVersion)
