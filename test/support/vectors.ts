import { readFileSync } from 'node:fs'

/** A file of test/vectors, parsed. */
export function readVectors(path: string): unknown {
  return JSON.parse(readFileSync(new URL(`../vectors/${path}`, import.meta.url), 'utf8'))
}
