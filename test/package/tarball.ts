import { resolve } from 'node:path'
import { emptyFolder, run } from './programs.ts'

async function pack(): Promise<string> {
  const folder = emptyFolder()
  const command = ['npm', 'pack', '--ignore-scripts', '--json', '--pack-destination', folder]
  const [packed] = JSON.parse((await run(command)).stdout) as readonly { readonly filename: string }[]
  return resolve(folder, packed?.filename ?? '')
}

let packed: Promise<string> | undefined

/** The tarball that npm would publish. It contains `dist` as it is, because `npm test` builds first. */
export function tarball(): Promise<string> {
  return (packed ??= pack())
}
