// Compiles the command line, with all packages and a copy of Bun, into one executable: `npm run executable`. Bytecode in it takes 40 % off
// the CPU time of a start. It is plain JavaScript, because it runs on an older Node too.
//
// `npm run executable -- --target=bun-linux-x64-baseline --out=FOLDER` compiles for another machine; Bun then comes from npm.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { licensesText } from './package-licenses.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const entry = 'src/cli/main.ts'

// Names stay, because Elysia reads the text of functions, and because errors show where they happened.
const bundling = ['--target=bun', '--format=esm', '--minify-whitespace', '--minify-syntax']

/** A server must not take settings from a folder that it happens to start in. */
const settings = ['--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig']

const { values } = parseArgs({
  options: { target: { type: 'string' }, out: { type: 'string', default: join(root, 'executable') } },
})

function bun(...args) {
  execFileSync('bun', ['build', entry, ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  })
}

function compile(folder) {
  const target = values.target === undefined ? [] : [`--target=${values.target}`]
  bun(
    '--compile',
    '--bytecode',
    ...bundling,
    ...settings,
    ...target,
    `--outfile=${join(folder, 'heartwood')}`,
  )
}

/** The folders of the packages in the executable. */
function packages() {
  const folder = mkdtempSync(join(tmpdir(), 'heartwood-executable-'))
  try {
    const file = join(folder, 'inputs.json')
    bun(...bundling, `--outdir=${folder}`, `--metafile=${file}`)
    const inputs = Object.keys(JSON.parse(readFileSync(file, 'utf8')).inputs)
    const found = inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [])
    return [...new Set(found)].sort().map((path) => join(root, path))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function writeLicenses(folder) {
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/bun/package.json'), 'utf8'))
  const head = `The executable contains Heartwood, Bun ${version} with the licences that https://bun.com/docs/project/license names, and these packages.\n`
  const own = readFileSync(join(root, 'LICENSE'), 'utf8')
  writeFileSync(join(folder, 'LICENSES.txt'), licensesText(`${head}\n${own}`, packages()))
}

mkdirSync(values.out, { recursive: true })
compile(values.out)
writeLicenses(values.out)
