// Reads the licences of packages whose code a build copies, because a copy must carry them. It is plain JavaScript, as the other
// scripts of the build are.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

const mit = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy,
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software
is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES
OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE
LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`

/** The terms of the Apache License 2.0, as another package brings them. */
function apache() {
  const text = readFileSync(join(root, 'node_modules/swagger-ui-dist/LICENSE'), 'utf8')
  return text.slice(0, text.indexOf('   APPENDIX:')).trim()
}

/** The licences of packages that come without the text. The copyright is that of their repositories. */
const withoutFile = {
  '@stricli/core': () => `Copyright 2024 Bloomberg Finance L.P.\n\n${apache()}`,
  standardwebhooks: () => `Copyright (c) 2023 Svix (https://www.svix.com)\n\n${mit}`,
  postgres: () => 'Its author has given it to the public domain: https://unlicense.org',
}

/** The name, version and licence of the package in a folder. @throws {Error} if it has none: nobody may hand it on. */
export function licenseOf(from) {
  const { name, version, license } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'))
  const file = readdirSync(from).find((entry) => /^(licen[cs]e|copying)/i.test(entry))
  const text = file === undefined ? withoutFile[name]?.() : readFileSync(join(from, file), 'utf8').trim()
  if (text === undefined) throw new Error(`${name} has no file with its licence`)
  return `${name} ${version} (${license})\n\n${text}\n`
}

/** The text of a file that stands beside a copy of these packages. */
export function licensesText(head, folders) {
  return [head, ...folders.map(licenseOf)].join(`\n${'-'.repeat(72)}\n\n`)
}
