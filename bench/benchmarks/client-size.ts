import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { shown, type Row } from '../result.ts'
import { spreadOf } from '../measure.ts'

/** How much the client adds to a program, all that it imports included. */
export const clientSize: Row = async () => {
  const entry = fileURLToPath(new URL('../../src/client/index.ts', import.meta.url))
  const { outputs } = await Bun.build({ entrypoints: [entry], minify: true, target: 'browser' })
  const code = new Uint8Array(await outputs[0]!.arrayBuffer())
  return [
    {
      what: 'import "heartwood/client", bundled and gzipped',
      against: '',
      runtime: 'Bun',
      figure: spreadOf([gzipSync(code).length / 1000]),
      unit: 'kB',
      goal: { atMost: 20 },
      detail: `${shown(code.length / 1000)} kB before gzip`,
    },
  ]
}
