import { getRandomValues } from 'node:crypto'

/** Makes a master key: 32 random bytes in base64. */
export function newMasterKey(): string {
  return Buffer.from(getRandomValues(new Uint8Array(32))).toString('base64')
}
