// Bundles dashboard/ for browsers. It is plain JavaScript, because it runs on an older Node too; the bundler is Bun, of npm.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import process from 'node:process'

const fonts = {
  'inter.woff2': ['@fontsource-variable/inter', 'inter-latin-wght-normal'],
  'inter-ext.woff2': ['@fontsource-variable/inter', 'inter-latin-ext-wght-normal'],
  'serif.woff2': ['@fontsource-variable/source-serif-4', 'source-serif-4-latin-wght-normal'],
  'serif-ext.woff2': ['@fontsource-variable/source-serif-4', 'source-serif-4-latin-ext-wght-normal'],
}

/** The packages whose code or files browsers get. */
const packages = [
  'preact',
  '@preact/signals',
  '@preact/signals-core',
  'jose',
  '@fontsource-variable/inter',
  '@fontsource-variable/source-serif-4',
]

/** The shapes of icons in dashboard/icons.tsx. */
const lucide = `lucide (ISC)

Copyright (c) for portions of Lucide are held by Cole Bemis 2013-2023 as part of Feather (MIT). All other copyright (c) for
Lucide are held by Lucide Contributors 2025.

Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted,
provided that the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED
WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR
CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT,
NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
`

function hashOf(bytes) {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 8)
}

function bun(root, ...args) {
  const path = `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH}`
  execFileSync('bun', args, {
    cwd: root,
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  })
}

function filesIn(folder) {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]))
}

/**
 * The scripts, and the style with its fonts. Bun would write fonts into the style as `data:`, which the policy of the page
 * forbids.
 */
function bundled(root) {
  const folder = mkdtempSync(join(tmpdir(), 'heartwood-dashboard-'))
  try {
    bun(root, 'scripts/dashboard-bundle.mjs', folder)
    return filesIn(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function pageFiles(root) {
  const { 'main.css': style, ...scripts } = bundled(root)
  let text = style.toString()
  const files = { ...scripts }
  for (const [name, [from, file]] of Object.entries(fonts)) {
    const bytes = readFileSync(join(root, 'node_modules', from, 'files', `${file}.woff2`))
    const hashed = name.replace('.', `-${hashOf(bytes)}.`)
    files[hashed] = bytes
    text = text.replaceAll(`./${name}`, `./${hashed}`)
  }
  return { ...files, [`main-${hashOf(text)}.css`]: text }
}

function licenseOf(root, name) {
  const folder = join(root, 'node_modules', name)
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each))
  if (file === undefined) throw new Error(`${name} has no file with its licence`)
  return `${name}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
}

/** The files of the dashboard by their names; `undefined` without the development dependencies. */
export function dashboard(root) {
  if (!packages.every((name) => existsSync(join(root, 'node_modules', name)))) return undefined
  const texts = [...packages.map((name) => licenseOf(root, name)), lucide]
  return {
    ...pageFiles(root),
    'LICENSES.txt': texts.join(`\n${'-'.repeat(72)}\n\n`),
  }
}
