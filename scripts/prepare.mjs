// npm runs this after an install in a clone, before it packs, and in the clone of an install from Git. So each has what Git
// ignores: `dist` and the modules with the files of pages. An install without development dependencies cannot build them.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const cwd = fileURLToPath(new URL('..', import.meta.url))

if (existsSync(`${cwd}/node_modules/typescript`))
  process.exitCode = spawnSync('npm run build', { cwd, stdio: 'inherit', shell: true }).status ?? 1
else console.log('Heartwood is not built, because its development dependencies are not installed')
