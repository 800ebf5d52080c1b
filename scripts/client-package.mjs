// Fills packages/client from `dist` and `src`: the package `heartwood-client` of npm and `@heartwood/client` of JSR. Both get the
// files that the client's entries reach, and nothing else. `npm run build` runs it.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const target = join(root, 'packages/client')
const relativeImport = /(?:from|import\(|import)\s*['"](\.[^'"]+)['"]/g

/** The texts of the entries and of every file that they import directly or through others, by path. */
function reachable(entries) {
  const texts = new Map(entries.map((path) => [path, readFileSync(join(root, path), 'utf8')]))
  for (const [path, text] of texts)
    for (const [, specifier] of text.matchAll(relativeImport)) {
      const found = join(
        dirname(path),
        path.endsWith('.d.ts') ? specifier.replace(/\.js$/, '.d.ts') : specifier,
      )
      if (!texts.has(found)) texts.set(found, readFileSync(join(root, found), 'utf8'))
    }
  return texts
}

/** The examples in comments import the package by its own name. Source maps stay out, because their sources do. */
function adapt(text, name) {
  return text
    .replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n')
    .replaceAll(/'heartwood\/client(?=[/'])/g, `'${name}`)
}

function fill(folder, entries, name) {
  rmSync(join(target, folder), { recursive: true, force: true })
  for (const [path, text] of reachable(entries)) {
    mkdirSync(join(target, dirname(path)), { recursive: true })
    writeFileSync(join(target, path), adapt(text, name))
  }
}

const manifest = JSON.parse(readFileSync(join(target, 'package.json'), 'utf8'))
const jsr = JSON.parse(readFileSync(join(target, 'jsr.json'), 'utf8'))
const built = Object.values(manifest.exports).filter((entry) => typeof entry === 'object')
fill(
  'dist',
  built.flatMap((entry) => Object.values(entry).map((path) => join(path))),
  manifest.name,
)
fill(
  'src',
  Object.values(jsr.exports).map((path) => join(path)),
  jsr.name,
)
copyFileSync(join(root, 'LICENSE'), join(target, 'LICENSE'))
