import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Benchmark } from '../benchmark.ts'
import { spreadOf } from '../measure.ts'
import { formatNumber } from '../result.ts'

/** Bundles the client with everything that it imports, and reports the size. */
export const clientSize: Benchmark = async () => {
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
      detail: `${formatNumber(code.length / 1000)} kB before gzip`,
    },
  ]
}
