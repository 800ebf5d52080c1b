// tsc rewrites `./x.ts` to `./x.js` in what it compiles, but not in declarations, where only TypeScript itself forgives it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

const relativeImport = /((?:from|import\()\s*['"]\.{1,2}\/[^'"]+)\.ts(['"])/g

for (const path of readdirSync('dist', { recursive: true })) {
  if (!path.endsWith('.d.ts')) continue
  const text = readFileSync(`dist/${path}`, 'utf8')
  writeFileSync(`dist/${path}`, text.replace(relativeImport, '$1.js$2'))
}
