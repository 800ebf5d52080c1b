// Bun, Deno and Node 24 come from npm. If install scripts are off, they are incomplete, so this script runs theirs.
// It is plain JavaScript, because at first there may only be an older Node.
import { execSync } from 'node:child_process'

const probes = {
  bun: 'bun --version',
  deno: 'deno --version',
  node: 'node --eval "process.exit(process.versions.node.split(\'.\')[0] >= 24 ? 0 : 1)"',
}

const missing = process.argv.slice(2).filter((name) => !works(probes[name]))
if (missing.length > 0) {
  console.log(`Running the install scripts of ${missing.join(', ')}, because npm skipped them`)
  execSync(`npm rebuild --ignore-scripts=false ${missing.join(' ')}`, { stdio: 'inherit' })
}

function works(command) {
  try {
    execSync(command, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
