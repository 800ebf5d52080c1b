import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder for the time of `work`, and nothing of it afterwards. */
export async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'heartwood-test-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A new name for a database file on every call, in one folder for the time of `work`. */
export function withFiles<T>(work: (nextFile: () => string) => Promise<T>): Promise<T> {
  let files = 0
  return inTemporaryFolder((folder) => work(() => join(folder, `${++files}.db`)))
}
