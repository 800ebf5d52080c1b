import { invalidInput } from './parse.ts'
import type { Metadata } from '../storage/index.ts'

const maxBytes = 16 * 1024

/** Holds metadata, already known to be shallow JSON, to its size. @throws {LicensingError} `validation_error`. */
export function checkMetadata(metadata: Metadata | null | undefined): void {
  if (metadata === null || metadata === undefined) return
  if (new TextEncoder().encode(JSON.stringify(metadata)).length > maxBytes)
    throw invalidInput({ metadata: ['must be a JSON object of at most 16 KiB'] })
}
