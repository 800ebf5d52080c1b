import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Benchmark } from '../benchmark.ts'
import { spreadOf } from '../measure.ts'
import { formatNumber } from '../result.ts'

async function bundle(external: string[]): Promise<Uint8Array> {
  const entry = fileURLToPath(new URL('../../src/client/index.ts', import.meta.url))
  const { outputs } = await Bun.build({ entrypoints: [entry], minify: true, target: 'browser', external })
  return new Uint8Array(await outputs[0]!.arrayBuffer())
}

/** Bundles the client, and reports the size without and with the part that it imports on demand. */
export const clientSize: Benchmark = async () => {
  const code = await bundle(['*/on-demand.ts'])
  const whole = gzipSync(await bundle([])).length / 1000
  return [
    {
      what: 'import "heartwood/client", bundled and gzipped',
      against: '',
      runtime: 'Bun',
      figure: spreadOf([gzipSync(code).length / 1000]),
      unit: 'kB',
      goal: { atMost: 20 },
      detail: `${formatNumber(code.length / 1000)} kB before gzip; ${formatNumber(whole)} kB with the part that programs import on demand`,
    },
  ]
}
