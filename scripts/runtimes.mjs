// Bun, Deno and Node 24 come from npm, but not whole where install scripts are off; this runs just theirs.
// Plain JavaScript, because before it has run there may be nothing but an older Node.
import { execSync } from 'node:child_process'

const probes = {
  bun: 'bun --version',
  deno: 'deno --version',
  node: 'node --eval "process.exit(process.versions.node.split(\'.\')[0] >= 24 ? 0 : 1)"',
}

const missing = process.argv.slice(2).filter((name) => !works(probes[name]))
if (missing.length > 0) {
  console.log(`Completing ${missing.join(', ')}, whose install scripts did not run`)
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
