// tsc rewrites imports of `./x.ts` to `./x.js` in JavaScript, but it leaves declarations as they are. This script rewrites
// those, because other readers of declarations cannot resolve `./x.ts`.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

const relativeImport = /((?:from|import\()\s*['"]\.{1,2}\/[^'"]+)\.ts(['"])/g

for (const path of readdirSync('dist', { recursive: true })) {
  if (!path.endsWith('.d.ts')) continue
  const text = readFileSync(`dist/${path}`, 'utf8')
  writeFileSync(`dist/${path}`, text.replace(relativeImport, '$1.js$2'))
}
