import { readFileSync } from 'node:fs'

/** A parsed file of test/vectors. */
export function readVectors(path: string): unknown {
  return JSON.parse(readFileSync(new URL(`../vectors/${path}`, import.meta.url), 'utf8'))
}
