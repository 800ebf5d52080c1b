// Bundles the command line for npm, because Node takes most of its start for finding and reading a thousand files.
// It leaves `main.js` as it is, so that an old Node still reads the sentence that names it. It is plain JavaScript, as the other
// scripts of the build are.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { licensesText } from './package-licenses.mjs'

const folder = 'dist/cli'

/**
 * Users install the driver and the metrics if they want them. The last two packages come without the text of their licence, which
 * a copy must carry.
 */
const external = ['postgres', 'prom-client', 'bun:sqlite', '@stricli/core', 'standardwebhooks']

/** Removes what the bundle replaces. Nobody else imports the command line. */
function removeParts() {
  for (const name of readdirSync(folder))
    if (!name.startsWith('main.')) rmSync(join(folder, name), { recursive: true })
}

function bundle() {
  const flags = [
    '--target=node',
    '--splitting',
    '--minify-whitespace',
    '--minify-syntax',
    // The maps name the packages in the bundle. They stay out of the package, because they weigh more than a megabyte.
    '--sourcemap=external',
  ]
  const apart = external.map((name) => `--external=${name}`)
  execFileSync('bun', ['build', 'src/cli/command-line.ts', `--outdir=${folder}`, ...flags, ...apart], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/** The folders of the packages in the bundle. Leaves the text of the sources out of its maps, because it is in `src` already. */
function packagesOf(mapFile) {
  const { sourcesContent: _text, ...map } = JSON.parse(readFileSync(mapFile, 'utf8'))
  writeFileSync(mapFile, JSON.stringify(map))
  return map.sources.flatMap((source) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(source)?.[0] ?? [])
}

/**
 * Puts the module of `dist/adapters` in the place of its copy, because the files of pages weigh more than the rest of the package.
 * The command line loads each of them when somebody asks for the page.
 */
function shareGenerated(mapFile) {
  const { sources } = JSON.parse(readFileSync(join(folder, mapFile), 'utf8'))
  const [, name] = /(?:^|\/)src\/adapters\/generated\/([\w-]+)\.ts$/.exec(sources[0]) ?? []
  if (name === undefined || sources.length > 1) return
  const chunk = join(folder, mapFile.replace(/\.map$/, ''))
  writeFileSync(chunk, `export { assets } from '../adapters/generated/${name}.js'\n`)
}

removeParts()
bundle()
const maps = readdirSync(folder).filter((name) => name.endsWith('.js.map') && name !== 'main.js.map')
maps.forEach(shareGenerated)
const sources = maps.flatMap((name) => packagesOf(join(folder, name)))
const packages = [...new Set(sources.map((source) => join(folder, source)))].sort()
const head = 'The files beside this one contain code of these packages.\n'
writeFileSync(join(folder, 'LICENSES.txt'), licensesText(head, packages))
