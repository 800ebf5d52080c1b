// Bundles the scripts and the style of dashboard/ into a folder. Bun runs it, because only its own interface takes plug-ins.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import process from 'node:process'

const [, , folder = ''] = process.argv
const define = { 'process.env.NODE_ENV': '"production"' }
const styleFolder = 'dashboard/style'

/** The styles, by the names of their files. Bun cannot bundle them while it bundles scripts. */
async function styleTexts() {
  const entrypoints = readdirSync(styleFolder).map((name) => join(styleFolder, name))
  // For browsers Bun would take `light-dark()` apart, so it bundles as for Bun.
  const options = { minify: true, target: 'bun', external: ['*.woff2'], naming: '[name].[ext]' }
  const { outputs } = await Bun.build({ entrypoints, ...options })
  return new Map(await Promise.all(outputs.map(async (made) => [basename(made.path), await made.text()])))
}

function styles(texts) {
  const load = ({ path }) => ({ contents: texts.get(basename(path)).trim(), loader: 'text' })
  return { name: 'styles', setup: (build) => void build.onLoad({ filter: /\.css$/ }, load) }
}

/** Calls of `h` are shorter than those of the JSX runtime, so every file with JSX gets it. */
const withFactory = {
  name: 'factory',
  setup: ({ onLoad }) =>
    void onLoad({ filter: /[\\/]dashboard[\\/].*\.tsx$/ }, async ({ path }) => ({
      contents: `/** @jsxRuntime classic @jsx h @jsxFrag Fragment */import { h, Fragment } from 'preact'\n${readFileSync(path, 'utf8')}`,
      loader: 'tsx',
    })),
}

/** The client is a bundle of its own without further parts, because one file is smaller than three. */
function clientAt(name) {
  const resolve = () => ({ path: `./${name}`, external: true })
  return { name: 'client', setup: (build) => void build.onResolve({ filter: /\/program\.ts$/ }, resolve) }
}

/** Writes a bundle, and returns the name of its first file. */
async function write(entry, name, options = {}) {
  const naming = { entry: `${name}-[hash].[ext]`, chunk: 'page-[hash].[ext]' }
  const { outputs } = await Bun.build({
    entrypoints: [entry],
    outdir: folder,
    minify: true,
    target: 'browser',
    define,
    naming,
    ...options,
  })
  return basename(outputs.find(({ kind }) => kind === 'entry-point').path)
}

const texts = await styleTexts()
writeFileSync(join(folder, 'main.css'), texts.get('main.css'))
const client = await write('dashboard/program.ts', 'page')
await write('dashboard/main.tsx', 'main', {
  splitting: true,
  plugins: [withFactory, styles(texts), clientAt(client)],
})
