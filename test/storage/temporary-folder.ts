import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Creates a folder for `work`, and deletes it afterwards. */
export async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'heartwood-test-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Gives `work` a function that returns a new file name on every call. All files are deleted afterwards. */
export function withFiles<T>(work: (nextFile: () => string) => Promise<T>): Promise<T> {
  let files = 0
  return inTemporaryFolder((folder) => work(() => join(folder, `${++files}.db`)))
}
